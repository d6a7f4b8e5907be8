package io.sluice.sequences.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.dataset.Split;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Targets that come from tables beside the telemetry: events, and lives that go on. */
class TargetTablesTest {
  private static final RawPlant PLANT = RawPlant.hourly(4, 3, 150);
  private static final String[] EVENTS = {
    "machine,at,what",
    "p1,2024-01-05T07:30:00Z,failure",
    "p1,2024-01-05T10:00:00Z,failure", // within the recovery from the one before
    "p2,2024-01-07T23:59:59Z,failure",
    "p2,2024-01-06T12:00:00Z,inspection", // of no type that counts
    "p1,2024-01-08T01:00:00+01:00,failure",
  };

  @TempDir Path folder;

  /** Censored at the record's end: whether an event follows there is not known. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "target { type = event, lead-time = 5 hours, recovery = 150 minutes }",
        "target { type = remaining-life, remaining-life-cap = 20, recovery = 4 hours }"
      })
  void eventsAheadAreTargetsUntilTheRecordEnds(String hocon) {
    Build build = Build.of(PLANT, folder).with("window.horizon = 0").with(hocon);
    build.with(
        "target { events-path = \"%s\", events-format = csv, event-series = machine, event-time = at, event-type = what, event-types = [failure] }"
            .formatted(build.write("events.csv", EVENTS)));
    var reference =
        TelemetryReference.of(build.settings(), PLANT)
            .withEvents(
                Map.of(
                    "p1",
                    List.of(
                        ticks("2024-01-05T07:30:00Z"),
                        ticks("2024-01-05T10:00:00Z"),
                        ticks("2024-01-08T00:00:00Z")),
                    "p2",
                    List.of(ticks("2024-01-07T23:59:59Z"))));

    build.run();

    for (Split split : Split.values()) {
      assertThat(build.windows(split)).isEqualTo(reference.windows(split));
    }
    assertThat(build.manifest().droppedWindows())
        .isEqualTo(reference.dropped())
        .containsKeys("after-event", "censored");
    assertThat(build.windows(Split.TRAIN)).extracting(w -> w.label()).contains(1f);
  }

  /** The numbers in the file belong to test series in their order: 2 before 10. */
  @Test
  void seriesOfATestSourceLiveOnAfterTheirEnd() {
    RawPlant train = RawPlant.ordinal(5, 4, 60);
    RawPlant test = RawPlant.ordinal(6, 12, 25).where(r -> List.of("10", "2").contains(r.series()));
    Build build =
        Build.of(train, folder)
            .with(
                "window.horizon = 0, split { by = series, train = 0.5, validation = 0.5, test = 0 }")
            .with("target { type = remaining-life, remaining-life-cap = 15 }")
            .with("source.test-path = \"%s\"".formatted(test.wideCsv(folder.resolve("test.csv"))));
    build.with(
        "target.remaining-at-end-path = \"%s\"".formatted(build.write("left.txt", "3", "11")));
    var rows = new ArrayList<>(train.rows());
    test.rows()
        .forEach(
            r ->
                rows.add(
                    new RawPlant.Row(
                        "test/" + r.series(), r.tick(), r.arrival(), r.values(), r.state())));
    var plant = new RawPlant(train.channels(), List.copyOf(rows), true);

    build.run();

    List<String> drawnTrain =
        build.windows(Split.TRAIN).stream().map(w -> w.series()).distinct().toList();
    List<String> drawnValidation =
        build.windows(Split.VALIDATION).stream().map(w -> w.series()).distinct().toList();
    assertThat(drawnTrain).hasSize(2);
    assertThat(drawnValidation).hasSize(2).doesNotContainAnyElementsOf(drawnTrain);
    var reference =
        TelemetryReference.of(build.settings(), plant)
            .withDrawn(Map.of(Split.TRAIN, drawnTrain, Split.VALIDATION, drawnValidation))
            .withRemainingAtEnd(Map.of("test/2", 3L, "test/10", 11L));
    for (Split split : Split.values()) {
      assertThat(build.windows(split)).isEqualTo(reference.windows(split)).isNotEmpty();
    }
  }

  private static long ticks(String instant) {
    return Instant.parse(instant).getEpochSecond() * 1_000_000L;
  }
}
