package io.sluice.scoring.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.TinyDataset;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowEncoder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

class BatchArraysTest {
  private static final int B = 4;
  private static final int T = 24;
  private final TinyDataset forecast = TinyDataset.forecast().days(20);

  @Test
  void featuresAreTheInputsWithoutPaddingAndEachStepIsOneBlock() {
    WindowBatch batch = BundleFixture.batch(forecast, B);

    INDArray features = arrays(forecast, Head.regression(12), false).features(batch);

    assertThat(features.shape()).containsExactly(B, 2, T);
    for (int t = 0; t < T; t++) {
      for (int b = 0; b < B; b++) {
        for (int i = 0; i < 2; i++) {
          assertThat(features.getFloat(b, i, t))
              .as("[%d, %d, %d]", b, i, t)
              .isEqualTo(batch.inputs()[(t * B + b) * 2 + i]);
        }
      }
    }
    INDArray step = features.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(5));
    assertThat(step.stride()).containsExactly(2, 1);
  }

  @Test
  void forecastTargetsAreOneRowAWindow() {
    WindowBatch batch = BundleFixture.batch(forecast, B);

    BatchArrays arrays = arrays(forecast, Head.quantiles(12, List.of(0.1, 0.9)), false);
    INDArray targets = arrays.targets(batch);

    assertThat(targets.shape()).containsExactly(B, 12);
    assertThat(targets.getFloat(3, 7)).isEqualTo(batch.targets()[3 * 12 + 7]);
    assertThat(arrays.targetMask(batch)).isEmpty();
  }

  @Test
  void forecastTargetsAtEveryStepFollowThatStep() {
    WindowBatch batch = BundleFixture.batch(forecast, B);

    INDArray targets = arrays(forecast, Head.regression(12), true).targets(batch);

    assertThat(targets.shape()).containsExactly(B, 12, T);
    // channel 1, three steps ahead of step 10, is input 1 of step 13
    assertThat(targets.getFloat(2, 2 * 2 + 1, 10)).isEqualTo(batch.inputs()[(13 * B + 2) * 2 + 1]);
    // at the last step it is the window's own target
    assertThat(targets.getFloat(2, 2 * 2 + 1, T - 1))
        .isEqualTo(batch.targets()[2 * 12 + 2 * 2 + 1]);
  }

  @Test
  void classesAreIds() {
    TinyDataset tiny = TinyDataset.classes().days(20);
    WindowBatch batch = BundleFixture.batch(tiny, 20);

    INDArray last = arrays(tiny, Head.classes(3, List.of()), false).targets(batch);
    INDArray every = arrays(tiny, Head.classes(3, List.of()), true).targets(batch);

    assertThat(last.shape()).containsExactly(20, 1);
    assertThat(every.shape()).containsExactly(20, 1, T);
    for (int b = 0; b < 20; b++) {
      assertThat(last.getFloat(b, 0)).isEqualTo(batch.targets()[b]);
      for (int t = 0; t < T; t++) {
        assertThat(every.getFloat(b, 0, t)).isEqualTo(batch.sequenceTargets()[b * T + t]);
      }
    }
    assertThat(last.maxNumber().intValue()).isPositive();
  }

  @Test
  void unknownTargetsAreZeroAndMasked() {
    WindowBatch batch = BundleFixture.batch(forecast, B);
    batch.targets()[1 * 12 + 4] = Float.NaN;
    batch.sequenceTargets()[(1 * T + 7) * 12 + 4] = Float.NaN;

    INDArray targets = arrays(forecast, Head.regression(12), false).targets(batch);
    INDArray mask = arrays(forecast, Head.regression(12), false).targetMask(batch).orElseThrow();
    INDArray sequence = arrays(forecast, Head.regression(12), true).targetMask(batch).orElseThrow();

    assertThat(targets.getFloat(1, 4)).isZero();
    assertThat(mask.shape()).containsExactly(B, 12);
    assertThat(mask.getFloat(1, 4)).isZero();
    assertThat(mask.sumNumber().intValue()).isEqualTo(B * 12 - 1);
    assertThat(sequence.shape()).containsExactly(B, 12, T);
    assertThat(sequence.getFloat(1, 4, 7)).isZero();
    assertThat(sequence.sumNumber().intValue()).isEqualTo(B * 12 * T - 1);
  }

  @Test
  void unknownClassesAreMaskedAsAWhole() {
    TinyDataset tiny = TinyDataset.classes().days(20);
    WindowBatch batch = BundleFixture.batch(tiny, B);
    batch.targets()[2] = Float.NaN;
    batch.sequenceTargets()[2 * T + 5] = Float.NaN;

    INDArray last = arrays(tiny, Head.classes(3, List.of()), false).targetMask(batch).orElseThrow();
    INDArray every = arrays(tiny, Head.classes(3, List.of()), true).targetMask(batch).orElseThrow();

    assertThat(last.shape()).containsExactly(B, 1);
    assertThat(last.toFloatVector()).containsExactly(1, 1, 0, 1);
    assertThat(every.shape()).containsExactly(B, T);
    assertThat(every.getFloat(2, 5)).isZero();
    assertThat(every.sumNumber().intValue()).isEqualTo(B * T - 1);
  }

  @Test
  void everyKindOfBatchTrainsANetworkAndMaskedTargetsDoNotMoveTheLoss() {
    for (boolean sequence : new boolean[] {false, true}) {
      for (TinyDataset tiny : List.of(forecast, TinyDataset.classes().days(20))) {
        Head head = tiny == forecast ? Head.regression(12) : Head.classes(3, List.of());
        WindowBatch batch = BundleFixture.batch(tiny, B);
        BatchArrays arrays = arrays(tiny, head, sequence);
        var network =
            io.sluice.recurrent.model.Networks.create(
                spec(tiny, head, sequence),
                io.sluice.recurrent.model.OptimizerSpec.constantAdam(0.01),
                3);
        double whole = network.score(arrays.dataSet(batch));

        float[] values = sequence ? batch.sequenceTargets() : batch.targets();
        int perWindow = tiny.contract().targetSize() * (sequence ? T : 1);
        java.util.Arrays.fill(values, 0, perWindow, Float.NaN);
        double without = network.score(arrays.dataSet(batch));
        network.fit(arrays.dataSet(batch));

        assertThat(without).isLessThan(whole).isPositive();
        assertThat(network.score()).isFinite();
      }
    }
  }

  @Test
  void batchWithoutSequenceTargetsIsRefusedForAnOutputAtEveryStep() {
    Segment segment = forecast.segments(Split.TEST).get(0);
    var encoder = new WindowEncoder(forecast.contract());
    WindowBatch batch = encoder.newBatch(1);
    encoder.encodeAll(segment, 0, 1, batch, 0);

    assertThatThrownBy(() -> arrays(forecast, Head.regression(12), true).targets(batch))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "The batch has no sequence targets, which a model with an output at every step is trained on");
  }

  @Test
  void modelThatDoesNotFitTheWindowsIsRefused() {
    assertThatThrownBy(() -> arrays(forecast, Head.regression(11), false))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "The model does not fit the windows: it has 11 target numbers, the windows have 12. Use the dataset it was trained on, or train again.");
    assertThatThrownBy(() -> arrays(forecast, Head.classes(2, List.of()), false))
        .hasMessage(
            "The model does not fit the windows: its head is classes, the windows' target is forecast. Use the dataset it was trained on, or train again.");
    assertThatThrownBy(() -> new BatchArrays(forecast.lookBack(30).contract(), spec(T, 12)))
        .hasMessageContaining("it has 24 look-back steps, the windows have 30");
    assertThatThrownBy(
            () -> new BatchArrays(TinyDataset.forecast().masks().contract(), spec(T, 12)))
        .hasMessageContaining("it has 2 inputs per step, the windows have 4");
  }

  private static ModelSpec spec(int lookBack, int outputs) {
    return new ModelSpec(
        2,
        lookBack,
        Cell.LSTM,
        List.of(3),
        false,
        0,
        ModelSpec.Output.LAST,
        List.of(),
        1,
        Precision.F32,
        Head.regression(outputs));
  }

  private static ModelSpec spec(TinyDataset tiny, Head head, boolean sequence) {
    WindowContract contract = tiny.contract();
    return new ModelSpec(
        contract.inputSize(),
        contract.lookBack(),
        Cell.LSTM,
        List.of(3),
        false,
        0,
        sequence ? ModelSpec.Output.SEQUENCE : ModelSpec.Output.LAST,
        List.of(),
        1,
        Precision.F32,
        head);
  }

  private static BatchArrays arrays(TinyDataset tiny, Head head, boolean sequence) {
    return new BatchArrays(tiny.contract(), spec(tiny, head, sequence));
  }
}
