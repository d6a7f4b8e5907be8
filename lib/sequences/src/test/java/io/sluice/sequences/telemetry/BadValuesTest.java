package io.sluice.sequences.telemetry;

import static io.sluice.failure.ExitStatus.BAD_INPUT;
import static io.sluice.sequences.telemetry.Refusals.assertRefused;
import static io.sluice.sequences.telemetry.Refusals.withColumn;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.dataset.Scaler;
import io.sluice.sequences.dataset.Split;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Values that are no numbers, channels that say nothing, records that are too short. */
class BadValuesTest {
  @TempDir Path folder;

  @Test
  void valuesThatAreNotFiniteInFloat32AreMissingAndCounted() {
    String[] rows = Build.hourly(0, 200);
    rows[11] = Build.hour(10) + ",NaN";
    rows[31] = Build.hour(30) + ",Infinity";
    rows[51] = Build.hour(50) + ",-inf";
    rows[71] = Build.hour(70) + ",1e39"; // a double, but no float
    rows[91] = Build.hour(90) + ",n/a";
    rows[111] = Build.hour(110) + ",";
    Build build =
        Build.in(folder).csv(rows).with("resample.gap-policy = mask\nfeatures.masks = true");

    BuildReport report = build.run();

    assertThat(report.rejectedRows()).isEmpty();
    assertThat(report.missingValues())
        .isEqualTo(Map.of("load: NaN, infinite or beyond float32", 4L, "load: not a number", 1L));
    assertThat(report.warnings())
        .containsExactly(
            "load: NaN, infinite or beyond float32: 4 values set to missing",
            "load: not a number: 1 values set to missing");
    var values = build.values(Split.TRAIN, "all", "load");
    for (int n = 10; n < 130; n += 20) {
      assertThat(values.get(Build.tick(n))).as("hour " + n).isNaN();
    }
    assertThat(values).containsEntry(Build.tick(9), 9f).containsEntry(Build.tick(11), 11f);
    // hours 0 to 139 are train; six of them have no value
    Scaler scaler = build.manifest().contract().scaling().global().get("load");
    assertThat(scaler.rows()).isEqualTo(134);
    assertThat(scaler.center()).isFinite();
  }

  @Test
  void aChannelWithoutOneValueGivesNoWindow() {
    String[] rows = Build.hourly(0, 100);
    for (int n = 0; n < 100; n++) {
      rows[n + 1] = Build.hour(n) + ",NaN";
    }

    assertRefused(
        folder,
        Build.in(folder).csv(rows),
        BAD_INPUT,
        "source.path FOLDER/source.csv gives no window from 1 series. Windows that were not made, by reason: {between-splits=14, input-missing=81}. See resample.gap-policy and resample.max-gap-steps for missing values, and split for what lies between splits.");
  }

  @Test
  void aConstantChannelKeepsItsScaleAndIsWarnedOf() {
    Build build = Build.in(folder).csv(withColumn(Build.hourly(0, 200), "flat", "5"));

    BuildReport report = build.run();

    assertThat(report.warnings())
        .containsExactly(
            "Channel flat is constant in the train split; its scale is set to 1. It teaches nothing: leave it out of features.channels.");
    assertThat(build.manifest().contract().scaling().global().get("flat"))
        .isEqualTo(new Scaler(5, 1, 140));
  }

  @Test
  void aSourceShorterThanOneWindowIsRefused() {
    assertRefused(
        folder,
        Build.in(folder).csv(Build.hourly(0, 5)),
        BAD_INPUT,
        "source.path FOLDER/source.csv: no series is as long as one window. The longest, all, has 5 steps; a window needs look-back + horizon = 6. Shorten window.look-back or window.horizon, or choose a finer resample.interval.");
  }

  @Test
  void aSeriesShorterThanOneWindowIsLeftOutAndWarnedOf() {
    String[] rows = withColumn(Build.hourly(0, 200), "unit", "long");
    Build build =
        Build.in(folder)
            .csv(Build.append(rows, Build.hour(0) + ",1,short", Build.hour(1) + ",2,short"))
            .with("source { series-from = column, columns.series = unit }");

    BuildReport report = build.run();

    assertThat(report.series()).isEqualTo(2);
    assertThat(report.warnings())
        .containsExactly("1 of 2 series are shorter than one window (6 steps) and are left out.");
    assertThat(build.origins(Split.TRAIN)).containsOnlyKeys("long");
  }

  @Test
  void aSplitWithoutAWindowIsRefused() {
    assertRefused(
        folder,
        Build.in(folder).csv(Build.hourly(0, 40)),
        BAD_INPUT,
        "The validation split has no window. A window needs look-back 4 + horizon 2 = 6 steps, and an embargo of 6 steps is left out before the split (split.embargo). Enlarge split.validation, shorten window.look-back, or lower split.embargo.");
    assertRefused(
        folder,
        Build.in(folder)
            .csv(Build.hourly(0, 60))
            .with("split { train = 0.05, validation = 0.4, test = 0.5 }"),
        BAD_INPUT,
        "The train split has no window. A window needs look-back 4 + horizon 2 = 6 steps. Enlarge split.train or shorten window.look-back.");
  }

  @Test
  void aSplitWithoutASeriesIsRefused() {
    assertRefused(
        folder,
        Build.in(folder)
            .csv(withColumn(Build.hourly(0, 60), "unit", "one"))
            .with("source { series-from = column, columns.series = unit }")
            .with("split { by = series, train = 0.7, validation = 0.3, test = 0 }"),
        BAD_INPUT,
        "The validation split has no window: it got no series, or none that is long enough. A window needs look-back 4 + horizon 2 = 6 steps. Enlarge split.validation, or name its series in split.validation-series.");
  }
}
