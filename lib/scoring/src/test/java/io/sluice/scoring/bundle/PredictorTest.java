package io.sluice.scoring.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.dataset.Scaler;
import io.sluice.sequences.dataset.TinyDataset;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract.WindowNormalization;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class PredictorTest {
  @TempDir Path folder;

  @Test
  void forecastIsTheNetworksOutputInTheChannelsUnits() {
    TinyDataset tiny =
        TinyDataset.forecast().days(20).windowNormalization(WindowNormalization.LAST);
    BundleFixture fixture = fixture(tiny, Head.regression(12), ModelSpec.Output.LAST);
    WindowBatch batch = BundleFixture.batch(tiny, 7);
    INDArray output =
        fixture
            .network()
            .output(new BatchArrays(fixture.contract(), fixture.spec()).features(batch));

    Predictions predictions = fixture.predictor(null).predict(batch);

    assertThat(predictions.size()).isEqualTo(7);
    assertThat(predictions.horizon()).isEqualTo(6);
    assertThat(predictions.targets()).isEqualTo(2);
    assertThat(predictions.probabilities()).isEmpty();
    for (int b = 0; b < 7; b++) {
      for (int h = 0; h < 6; h++) {
        for (int k = 0; k < 2; k++) {
          float scaled = output.getFloat(b, h * 2 + k);
          String channel = fixture.contract().target().channels().get(k);
          Scaler scaler = fixture.contract().scaling().global().get(channel);
          assertThat(predictions.scaled(b, h, k, 0)).isEqualTo(scaled);
          assertThat(predictions.point(b, h, k))
              .isCloseTo(
                  (float) scaler.original(scaled + batch.anchors()[b * 2 + k]), within(1e-4f));
        }
      }
    }
  }

  @Test
  void predictionDoesNotDependOnWhatElseIsInTheBatch() {
    TinyDataset tiny = TinyDataset.forecast().days(20);
    BundleFixture fixture = fixture(tiny, Head.regression(12), ModelSpec.Output.LAST);
    Predictor predictor = fixture.predictor(null);

    float[] many = predictor.predict(BundleFixture.batch(tiny, 9)).scaled();
    float[] one = predictor.predict(BundleFixture.batch(tiny, 1)).scaled();

    for (int j = 0; j < 12; j++) {
      // float32 sums in another order
      assertThat(one[j]).isCloseTo(many[j], within(1e-6f));
    }
  }

  @Test
  void outputAtEveryStepPredictsByItsLast() {
    TinyDataset tiny = TinyDataset.forecast().days(20);
    BundleFixture fixture = fixture(tiny, Head.regression(12), ModelSpec.Output.SEQUENCE);
    WindowBatch batch = BundleFixture.batch(tiny, 3);
    INDArray output =
        fixture
            .network()
            .output(new BatchArrays(fixture.contract(), fixture.spec()).features(batch));

    Predictions predictions = fixture.predictor(null).predict(batch);

    assertThat(output.shape()).containsExactly(3, 12, 24);
    assertThat(predictions.scaled(2, 3, 1, 0)).isEqualTo(output.getFloat(2, 7, 23));
  }

  @Test
  void quantilesAscendAndGiveTheInterval() {
    TinyDataset tiny = TinyDataset.forecast().days(20);
    BundleFixture fixture =
        fixture(tiny, Head.quantiles(12, List.of(0.1, 0.5, 0.9)), ModelSpec.Output.LAST);
    Predictor predictor = fixture.predictor(null);
    WindowBatch batch = BundleFixture.batch(tiny, 5);
    INDArray output =
        fixture
            .network()
            .output(new BatchArrays(fixture.contract(), fixture.spec()).features(batch));

    Predictions predictions = predictor.predict(batch);
    PredictionInterval interval = predictor.interval(predictions, 0.8).orElseThrow();
    PredictionInterval narrow = predictor.interval(predictions, 0.4).orElseThrow();

    boolean crossed = false;
    for (int b = 0; b < 5; b++) {
      for (int j = 0; j < 12; j++) {
        int h = j / 2;
        int k = j % 2;
        crossed |= output.getFloat(b, j * 3) > output.getFloat(b, j * 3 + 1);
        float low = predictions.original(b, h, k, 0);
        float median = predictions.original(b, h, k, 1);
        assertThat(low).isLessThanOrEqualTo(median);
        assertThat(median).isLessThanOrEqualTo(predictions.original(b, h, k, 2));
        assertThat(predictions.point(b, h, k)).isEqualTo(median);
        assertThat(interval.lower()[b * 12 + j]).isCloseTo(low, within(1e-5f));
        assertThat(interval.upper()[b * 12 + j])
            .isCloseTo(predictions.original(b, h, k, 2), within(1e-5f));
        // the 30 % quantile lies half way between the 10 % and the 50 % ones
        assertThat(narrow.lower()[b * 12 + j]).isCloseTo((low + median) / 2, within(1e-4f));
      }
    }
    // a fresh network's quantiles do cross, so that sorting was put to work
    assertThat(crossed).isTrue();
    assertThat(predictor.interval(predictions, 0.9)).isEmpty();
  }

  @Test
  void meanGetsItsIntervalFromTheErrorsOnTheValidationWindows() {
    TinyDataset tiny = TinyDataset.forecast().days(20);
    BundleFixture fixture = fixture(tiny, Head.regression(12), ModelSpec.Output.LAST);
    var values = new ArrayList<Float>();
    for (int j = 0; j < 12; j++) {
      values.addAll(List.of(-1f - j, 0.5f, 2f + j));
    }
    var residuals = new ResidualQuantiles(6, 2, List.of(0.1, 0.5, 0.9), 100, values);
    Predictor predictor = fixture.predictor(residuals);
    Predictions predictions = predictor.predict(BundleFixture.batch(tiny, 3));

    PredictionInterval interval = predictor.interval(predictions, 0.8).orElseThrow();

    for (int b = 0; b < 3; b++) {
      for (int j = 0; j < 12; j++) {
        float point = predictions.point(b, j / 2, j % 2);
        assertThat(interval.lower()[b * 12 + j]).isCloseTo(point - 1 - j, within(1e-4f));
        assertThat(interval.upper()[b * 12 + j]).isCloseTo(point + 2 + j, within(1e-4f));
      }
    }
    assertThat(predictor.interval(predictions, 0.95)).isEmpty();
    assertThat(fixture.predictor(null).interval(predictions, 0.8)).isEmpty();
    assertThatThrownBy(() -> predictor.interval(predictions, 1))
        .hasMessage("share is 1.0, must be in (0, 1)");
  }

  @Test
  void classesAreProbabilities() {
    TinyDataset tiny = TinyDataset.classes().days(20);
    BundleFixture fixture = fixture(tiny, Head.classes(3, List.of()), ModelSpec.Output.LAST);

    Predictions predictions = fixture.predictor(null).predict(BundleFixture.batch(tiny, 4));

    assertThat(predictions.classes()).containsExactly("night", "day", "evening");
    assertThat(predictions.original()).isEmpty();
    for (int b = 0; b < 4; b++) {
      float sum = 0;
      for (int v = 0; v < 3; v++) {
        sum += predictions.probability(b, v);
        assertThat(predictions.probability(b, v)).isBetween(0f, 1f);
      }
      assertThat(sum).isCloseTo(1, within(1e-5f));
    }
    assertThat(fixture.predictor(null).interval(predictions, 0.8)).isEmpty();
  }

  @Test
  void remainingLifeIsInSteps() {
    TinyDataset tiny = TinyDataset.remainingLife().days(20);
    BundleFixture fixture = fixture(tiny, Head.regression(1), ModelSpec.Output.LAST);
    fixture.network().getOutputLayer().getParam("W").assign(0);
    fixture.network().getOutputLayer().getParam("b").assign(Nd4j.scalar(0.4f));

    Predictions predictions = fixture.predictor(null).predict(BundleFixture.batch(tiny, 2));

    assertThat(predictions.horizon()).isEqualTo(1);
    assertThat(predictions.point(1, 0, 0)).isCloseTo(50, within(1e-4f));
  }

  private BundleFixture fixture(TinyDataset tiny, Head head, ModelSpec.Output output) {
    return BundleFixture.of(tiny, folder.resolve("dataset"), head, output);
  }
}
