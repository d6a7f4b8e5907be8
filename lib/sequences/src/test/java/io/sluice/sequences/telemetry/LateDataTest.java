package io.sluice.sequences.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.SequenceManifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A rebuild of the time range that late rows lie in gives the dataset of a full build, and leaves
 * the files of other periods as they were.
 */
class LateDataTest {
  // from 2024-01-03T05:00Z on; periods of two days begin on even days of this month
  private static final RawPlant PLANT = RawPlant.hourly(10, 3, 300);

  @TempDir Path folder;

  private Build build(RawPlant plant, String hocon) {
    return Build.of(plant, folder)
        .with("dataset { period = 2 days, segment-steps = 12 }")
        .with(hocon);
  }

  private static Build over(Build build, String from, String to) {
    return build.with("dataset { rebuild-from = \"%s\", rebuild-to = \"%s\" }".formatted(from, to));
  }

  private static boolean lies(RawPlant.Row row, String series, String from, String to) {
    return row.series().equals(series) && row.tick() >= ticks(from) && row.tick() <= ticks(to);
  }

  private static long ticks(String instant) {
    return Instant.parse(instant).getEpochSecond() * 1_000_000L;
  }

  /**
   * The three steps before the late rows were part of a gap too long to fill; now a straight line
   * leads over them, and the first window to have it as a target lies in the period before.
   */
  @Test
  void rowsInTheMiddleTouchTheirPeriodAndItsNeighbourAlone() {
    String from = "2024-01-08T05:00:00Z";
    String to = "2024-01-08T22:00:00Z";
    Predicate<RawPlant.Row> late = row -> lies(row, "p2", from, to);
    RawPlant plant =
        PLANT.where(row -> !lies(row, "p2", "2024-01-08T02:00:00Z", "2024-01-08T04:59:59Z"));
    String hocon = "resample.gap-policy = interpolate, scaling.method = robust";

    build(plant.where(late.negate()), hocon).run();
    TreeMap<String, String> before = build(plant, hocon).files();
    BuildReport report = over(build(plant, hocon), from, to).run();

    assertThat(report.rebuiltPeriods()).containsExactly("2024-01-06", "2024-01-08");
    assertEqualsFullBuild(build(plant, hocon), before, report);
  }

  /** Lead time reaches 30 hours back, recovery 40 hours ahead: into other periods. */
  @ParameterizedTest(name = "{0}")
  @CsvSource({
    // windows that the end censored have a target now
    "a record that goes on, p1, 2024-01-12T10:00:00Z, 2024-01-12T10:00:00Z, 2024-01-17T00:00:00Z",
    "a record that goes on after a gap of two days, p1, 2024-01-11T05:00:00Z, 2024-01-13T14:00:00Z, 2024-01-17T00:00:00Z",
    "an event that was not known, p3, 2024-01-05T12:00:00Z, 2024-01-05T12:00:00Z, 2024-01-05T13:00:00Z"
  })
  void targetsThatLookAheadAreRebuiltAsFarAsTheyLook(
      String what, String series, String gapFrom, String from, String to) {
    String hocon =
        "window.horizon = 0, split { unit = instant, train = \"2024-01-09T00:00:00Z\""
            + ", validation = \"2024-01-11T00:00:00Z\", test = null }, target { type = event"
            + ", lead-time = 30 hours, recovery = 40 hours, events-format = csv"
            + ", event-series = machine, event-time = at, events-path = \""
            + folder.resolve("events.csv")
            + "\" }";
    String[] events = {"machine,at", "p3,2024-01-08T17:00:00Z", "p2,2024-01-10T07:00:00Z"};
    RawPlant plant =
        PLANT.where(row -> row.tick() >= ticks(from) || !lies(row, series, gapFrom, from));
    Predicate<RawPlant.Row> late = row -> lies(row, series, from, to);

    Build first = build(plant.where(late.negate()), hocon);
    first.write("events.csv", events);
    first.run();
    TreeMap<String, String> before = first.files();
    Build second = build(plant, hocon);
    if (what.startsWith("an event")) {
      second.write("events.csv", Build.append(events, "p3,2024-01-05T12:30:00Z"));
    }
    BuildReport report = over(second, from, to).run();

    assertEqualsFullBuild(build(plant, hocon), before, report);
  }

  @Test
  void rowsBeforeTheFirstMoveTheBeginningOfTheirSeries() {
    String from = "2024-01-01T00:00:00Z";
    String to = "2024-01-04T12:00:00Z";
    Predicate<RawPlant.Row> late = row -> lies(row, "p3", from, to);
    String hocon = "split { by = series, train-series = [p1, p3], validation-series = [p2] }";

    build(PLANT.where(late.negate()), hocon).run();
    TreeMap<String, String> before = build(PLANT, hocon).files();
    BuildReport report = over(build(PLANT, hocon), from, to).run();

    assertThat(report.rebuiltPeriods()).containsExactly("2024-01-02", "2024-01-04");
    assertEqualsFullBuild(build(PLANT, hocon), before, report);
  }

  /** The dataset now; parts outside rebuilt periods against those before; a full build. */
  private static void assertEqualsFullBuild(
      Build build, Map<String, String> before, BuildReport report) {
    TreeMap<String, String> rebuilt = build.files();
    String manifest = build.manifestWithoutCreatedAt();
    assertThat(rebuilt).isNotEqualTo(before);
    int untouched = 0;
    for (Map.Entry<String, String> file : before.entrySet()) {
      String period = file.getKey().replaceFirst(".*period=([^/]+)/.*", "$1");
      if (!report.rebuiltPeriods().contains(period)) {
        untouched++;
        assertThat(rebuilt.get(file.getKey())).as(file.getKey()).isEqualTo(file.getValue());
      }
    }
    assertThat(untouched).isPositive();

    build.run();

    assertThat(rebuilt).isEqualTo(build.files());
    assertThat(manifest).isEqualTo(build.manifestWithoutCreatedAt());
  }

  /** A full build would draw the bounds anew; a rebuild keeps windows in the split they are in. */
  @Test
  void boundsOfTheFirstBuildStayWhenTheRecordGrows() {
    Predicate<RawPlant.Row> late = row -> row.tick() > ticks("2024-01-11T00:00:00Z");
    build(PLANT.where(late.negate()), "").run();
    var bounds = build(PLANT, "").manifest().splitBounds();

    over(build(PLANT, ""), "2024-01-11T00:00:00Z", "2024-01-17T00:00:00Z").run();

    Build now = build(PLANT, "");
    assertThat(now.manifest().splitBounds().get("trainEnd")).isEqualTo(bounds.get("trainEnd"));
    assertThat(now.manifest().splitBounds().get("validationEnd"))
        .isEqualTo(bounds.get("validationEnd"));
    // what is new is for the test split, which was open
    assertThat(now.manifest().splits().get("test").lastOrigin())
        .isGreaterThan(ticks("2024-01-12T00:00:00Z"));
    assertThat(now.manifest().audit().passed()).isTrue();
  }

  /**
   * The dataset is there, and built with these settings, so that the rule itself is what refuses.
   */
  @Test
  void refusesWhatARebuildCouldNotKeepItsPromiseFor() throws IOException {
    build(PLANT, "").run();
    String path = build(PLANT, "").dataset().toString();
    Build stride = overOneInstant("window.stride = 2");

    assertRefused(
        stride,
        "%s was built with other settings (config hash %.12s, these have %.12s), so parts of it cannot be rebuilt. Build it in full: leave dataset.rebuild-from and rebuild-to out."
            .formatted(path, stride.manifest().configHash(), stride.settings().hash()));
    assertRefused(
        overOneInstant("dataset.path = \"%s-2\"".formatted(path)),
        "dataset.rebuild-from needs a dataset at %s-2, and there is none. Build it in full first: leave dataset.rebuild-from and rebuild-to out."
            .formatted(path));
    assertRefused(
        asBuiltWith(
            overOneInstant("split { unit = rows, train = 100, validation = 60, test = 40 }")),
        "dataset.rebuild-from cannot go with split.unit = rows: a late row moves every bound after it. Set split.unit = instant, or build %s in full."
            .formatted(path));
    assertRefused(
        asBuiltWith(overOneInstant("dataset.layout = windows")),
        "dataset.rebuild-from cannot go with dataset.layout = windows: scalers are refitted on stored segments. Build %s in full."
            .formatted(path));
    assertRefused(
        asBuiltWith(overOneInstant("target.type = remaining-life, window.horizon = 0")),
        "dataset.rebuild-from cannot go with a remaining life that counts to the end of each series: a late row moves the end. Build %s in full."
            .formatted(path));
    assertRefused(
        asBuiltWith(stride),
        "%s/manifest.json was changed after its leakage audit: its seal is not that of its content. Build the dataset again, in full, with build-sequences."
            .formatted(path));
  }

  private Build overOneInstant(String hocon) {
    return over(build(PLANT, hocon), "2024-01-07T02:00:00Z", "2024-01-07T02:00:00Z");
  }

  private static Build asBuiltWith(Build build) throws IOException {
    String hash = build.manifest().configHash();
    Files.writeString(
        build.dataset().resolve(SequenceManifest.FILE_NAME),
        build.manifestText().replace(hash, build.settings().hash()));
    return build;
  }

  private static void assertRefused(Build build, String message) {
    assertThatThrownBy(build::run).isInstanceOf(InvalidInputException.class).hasMessage(message);
  }
}
