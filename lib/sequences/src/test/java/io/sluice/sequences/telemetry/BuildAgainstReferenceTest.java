package io.sluice.sequences.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.dataset.Split;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole builds, from files to Parquet and back, hold the windows that {@link TelemetryReference}
 * computes from the same rows: each way to aggregate, fill, split, label and cut at least once.
 */
class BuildAgainstReferenceTest {
  private static final RawPlant HOURLY = RawPlant.hourly(1, 3, 150);
  private static final RawPlant CYCLES = RawPlant.ordinal(2, 4, 120);

  @TempDir Path folder;

  static Stream<Arguments> settings() {
    return Stream.of(
        hourly(
            "median, an exception, interpolation, many seams",
            "resample { aggregate = median, aggregate-by-channel { temp = sum, flow = first }"
                + ", gap-policy = interpolate }, dataset.segment-steps = 5"),
        hourly(
            "gaps cut, a stride, targets apart from inputs",
            "resample { aggregate = max, gap-policy = cut }, window.stride = 3"
                + ", features.channels = [temp], target.channels = [pressure, flow]"),
        hourly(
            "gaps masked, masks and time since last, a plan known ahead",
            "resample { aggregate = last, gap-policy = mask }, features { channels = [temp, flow]"
                + ", masks = true, time-since-last = true, known-future = [pressure] }"),
        hourly(
            "gaps filled and masked, two-hour steps",
            "resample { interval = 2 hours, aggregate = min }, features.masks = true"),
        hourly(
            "means filled forward, an embargo of look-back and horizon",
            "split.embargo = auto, window.stride = 2"),
        hourly(
            "rows of each series", "split { unit = rows, train = 60, validation = 30, test = 20 }"),
        hourly(
            "instants, the last one open",
            "split { unit = instant, train = \"2024-01-06T00:30:00Z\""
                + ", validation = \"2024-01-08T00:00:00+01:00\", test = null, embargo = 2 }"),
        hourly(
            "named series",
            "split { by = series, train-series = [p3], validation-series = [p1]"
                + ", test-series = [p2] }"),
        hourly(
            "the majority of the window",
            "target { type = class, label = state, label-at = majority }, window.horizon = 0"),
        Arguments.of(
            "cycles to the end of the record, capped",
            CYCLES,
            "resample.max-gap-steps = 9"
                + ", target { type = remaining-life, remaining-life-cap = 30 }, window.horizon = 0"
                + ", split { by = series, train-series = [1, 4], validation-series = [2]"
                + ", test-series = [3] }"));
  }

  private static Arguments hourly(String name, String hocon) {
    return Arguments.of(name, HOURLY, hocon);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("settings")
  void holdsTheWindowsOfTheReference(String name, RawPlant plant, String hocon) {
    Build build = Build.of(plant, folder).with(hocon);
    var named = build.settings().split();
    var reference =
        TelemetryReference.of(build.settings(), plant)
            .withDrawn(
                Map.of(
                    Split.TRAIN, named.trainSeries(),
                    Split.VALIDATION, named.validationSeries(),
                    Split.TEST, named.testSeries()));

    build.run();

    assertThat(build.manifest().contract().channels()).isEqualTo(reference.stored());
    for (Split split : Split.values()) {
      List<TelemetryReference.Window> expected = reference.windows(split);
      assertThat(expected).as("windows of %s", split.label()).isNotEmpty();
      assertThat(build.windows(split)).as(split.label()).isEqualTo(expected);
    }
    assertThat(build.manifest().droppedWindows()).isEqualTo(new TreeMap<>(reference.dropped()));
    assertThat(build.manifest().audit().passed()).isTrue();
  }
}
