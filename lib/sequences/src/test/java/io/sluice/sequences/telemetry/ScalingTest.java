package io.sluice.sequences.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.sequences.dataset.Scaler;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Scalers are fitted on train rows alone, and a network sees what the settings say it sees. */
class ScalingTest {
  private static final RawPlant PLANT = RawPlant.hourly(3, 3, 130);

  // float64 sums of some hundred exact values, in another order
  private static final double FIT = 1e-9;
  // float32 numbers of magnitude up to about 10
  private static final double ENCODED = 2e-6;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "scaling { method = standard, scope = series, window = last }"
            + ", features { calendar = [hour-of-day, day-of-week, day-of-year, month]"
            + ", calendar-zone = Australia/Lord_Howe, known-future = [temp]"
            + ", channels = [flow, pressure] }, target.channels = [pressure]",
        "scaling { method = min-max, scope = global, window = mean }"
            + ", features { masks = true, time-since-last = true, known-future = [flow] }"
            + ", resample.gap-policy = mask, split { by = series, train-series = [p1, p3]"
            + ", validation-series = [p2] }",
        "scaling { method = robust, scope = series }, split { by = series, train-series = [p1, p3]"
            + ", validation-series = [p2] }"
      })
  void networkSeesRawValuesScaledByTrainRowsAlone(String hocon) {
    Build build = Build.of(PLANT, folder).with(hocon);
    var reference = referenceOf(build);

    build.run();

    WindowContract contract = build.manifest().contract();
    for (String channel : reference.stored()) {
      assertScaler(
          contract.scaling().global().get(channel), reference.scaler(reference.series(), channel));
    }
    contract
        .scaling()
        .bySeries()
        .forEach(
            (series, own) ->
                own.forEach(
                    (channel, scaler) ->
                        assertScaler(scaler, reference.scaler(Set.of(series), channel))));
    for (Split split : List.of(Split.TRAIN, Split.VALIDATION)) {
      assertEncoded(build, split, reference);
    }
  }

  private static TelemetryReference referenceOf(Build build) {
    var split = build.settings().split();
    return TelemetryReference.of(build.settings(), PLANT)
        .withDrawn(
            Map.of(Split.TRAIN, split.trainSeries(), Split.VALIDATION, split.validationSeries()));
  }

  private static void assertScaler(Scaler actual, Scaler expected) {
    assertThat(actual.rows()).isEqualTo(expected.rows()).isPositive();
    assertThat(actual.center()).isCloseTo(expected.center(), within(FIT));
    assertThat(actual.scale()).isCloseTo(expected.scale(), within(FIT));
  }

  private static void assertEncoded(Build build, Split split, TelemetryReference reference) {
    var expected = new HashMap<List<Object>, TelemetryReference.Window>();
    reference.windows(split).forEach(w -> expected.put(List.of(w.series(), w.origin()), w));
    WindowContract contract = build.manifest().contract();
    int T = contract.lookBack();
    int I = contract.inputSize();
    int K = contract.targetSize();
    try (var batches = build.open().inOrder(split, 50)) {
      while (batches.hasNext()) {
        WindowBatch batch = batches.next();
        for (int b = 0; b < batch.size(); b++) {
          var window = expected.remove(List.of(batch.series(b), batch.origin(b)));
          List<List<Double>> inputs = reference.networkInputs(window);
          for (int t = 0; t < T; t++) {
            for (int i = 0; i < I; i++) {
              assertThat((double) batch.inputs()[(t * batch.size() + b) * I + i])
                  .as("input %d of step %d, %s", i, t, window)
                  .isCloseTo(inputs.get(t).get(i), within(ENCODED));
            }
          }
          List<Double> targets = reference.networkTargets(window);
          for (int k = 0; k < K; k++) {
            assertThat((double) batch.targets()[b * K + k])
                .as("target %d of %s", k, window)
                .isCloseTo(targets.get(k), within(ENCODED));
          }
        }
      }
    }
    assertThat(expected).isEmpty();
  }
}
