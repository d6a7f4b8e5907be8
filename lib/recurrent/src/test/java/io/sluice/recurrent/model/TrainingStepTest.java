package io.sluice.recurrent.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.Replicas;
import io.sluice.recurrent.optim.TrainingStep;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** DL4J's fit is the judge. */
class TrainingStepTest {
  @ParameterizedTest
  @EnumSource(OptimizerSpec.Algorithm.class)
  void trainsAsFitDoes(OptimizerSpec.Algorithm algorithm) {
    var spec =
        new ModelSpec(
            3,
            6,
            Cell.LSTM,
            List.of(5, 4),
            true,
            0,
            ModelSpec.Output.SEQUENCE,
            List.of(3),
            1,
            Precision.F32,
            Head.regression(2));
    // clipped in some steps, decayed, warmed up and annealed
    var optimizer =
        new OptimizerSpec(
            algorithm, 0.05, 0, OptimizerSpec.Schedule.COSINE, 8, 2, 1, 1, 1, 1, 0.1, 0.3);
    MultiLayerNetwork fitted = Networks.create(spec, optimizer, 4);
    MultiLayerNetwork stepped = Networks.create(spec, optimizer, 4);
    var step = new TrainingStep(stepped);
    INDArray x = Nd4j.rand(4, 3, 6);
    INDArray y = Nd4j.rand(4, 2, 6);
    INDArray mask =
        Nd4j.createFromArray(
            new float[][] {
              {1, 1, 1, 1, 1, 1}, {1, 1, 0, 0, 0, 0}, {0, 0, 0, 1, 1, 1}, {1, 0, 1, 0, 1, 0}
            });

    for (int k = 0; k < 8; k++) {
      INDArray labelsMask = k % 2 == 0 ? null : mask;
      fitted.fit(x, y, null, labelsMask);
      double loss = step.run(new Batch(x, y, labelsMask));

      assertThat(loss).isEqualTo(fitted.score());
      assertThat(GlobalNormClipping.lastNorm(stepped).getAsDouble())
          .isCloseTo(GlobalNormClipping.lastNorm(fitted).getAsDouble(), within(1e-7));
    }

    assertThat(stepped.params()).isEqualTo(fitted.params());
    assertThat(stepped.getIterationCount()).isEqualTo(fitted.getIterationCount()).isEqualTo(8);
    if (algorithm != OptimizerSpec.Algorithm.SGD) {
      assertThat(stepped.getUpdater().getStateViewArray())
          .isEqualTo(fitted.getUpdater().getStateViewArray());
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 2", "1, 3", "1, 7", "2, 1", "3, 1", "2, 2", "3, 9"})
  void aBatchInPiecesIsTheWholeBatch(int replicas, int microBatches) {
    // the mask knows from none to all of a sequence's steps: examples, not steps, weigh the same
    for (Head head : List.of(Head.regression(2), Head.quantiles(2, List.of(0.2, 0.7)))) {
      MultiLayerNetwork whole = Networks.create(sequences(head), DECAYED_MOMENTUM, 4);
      MultiLayerNetwork cut = Networks.create(sequences(head), DECAYED_MOMENTUM, 4);
      var wholeStep = new TrainingStep(whole);
      try (var threads = new Replicas(cut, replicas)) {
        var step = new TrainingStep(threads, microBatches);
        Nd4j.getRandom().setSeed(31);
        // the last batch is smaller than some of the numbers of pieces
        for (int examples : new int[] {8, 7, 8, 2, 1}) {
          INDArray x = Nd4j.rand(examples, 3, 6);
          INDArray y = Nd4j.rand(examples, 2, 6);
          INDArray mask = Nd4j.rand(examples, 6).gt(0.4).castTo(DataType.FLOAT);

          double expected = wholeStep.run(new Batch(x, y, mask));
          double loss = step.run(new Batch(x, y, mask));

          // float32 sums over 8 · 6 steps and 5 updates in another order
          assertThat(loss).isCloseTo(expected, within(1e-6));
          assertThat(GlobalNormClipping.lastNorm(cut).getAsDouble())
              .isCloseTo(GlobalNormClipping.lastNorm(whole).getAsDouble(), within(1e-6));
        }
      }

      assertThat(worst(cut.params(), whole.params())).isLessThan(1e-6);
      assertThat(
              worst(cut.getUpdater().getStateViewArray(), whole.getUpdater().getStateViewArray()))
          .isLessThan(1e-6);
      assertThat(cut.getIterationCount()).isEqualTo(5);
      assertThat(cut.score()).isCloseTo(whole.score(), within(1e-6));
    }
  }

  @Test
  void classesAtTheLastStepMayBeCutToo() {
    ModelSpec spec =
        new ModelSpec(
            3,
            6,
            Cell.GRU,
            List.of(5),
            false,
            0,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            Precision.F32,
            Head.classes(3, List.of(1.0, 2.0, 0.5)));
    MultiLayerNetwork whole = Networks.create(spec, DECAYED_MOMENTUM, 4);
    MultiLayerNetwork cut = Networks.create(spec, DECAYED_MOMENTUM, 4);
    INDArray x = Nd4j.rand(5, 3, 6);
    INDArray y = Nd4j.eye(3).castTo(DataType.FLOAT).get(NDArrayIndex.indices(0, 1, 2, 1, 1));
    INDArray mask = Nd4j.createFromArray(1f, 1f, 0f, 1f, 0f).reshape(5, 1);

    double expected = new TrainingStep(whole).run(new Batch(x, y, mask));
    double loss;
    try (var threads = new Replicas(cut, 2)) {
      loss = new TrainingStep(threads, 2).run(new Batch(x, y, mask));
    }

    assertThat(loss).isCloseTo(expected, within(1e-6));
    assertThat(worst(cut.params(), whole.params())).isLessThan(1e-6);
  }

  @Test
  void networksWithAttentionMayBeCutToo() {
    for (Attention attention : List.of(Attention.additive(3), Attention.self(2))) {
      ModelSpec spec =
          new ModelSpec(
              3,
              6,
              Cell.LSTM,
              List.of(4),
              true,
              0,
              ModelSpec.Output.LAST,
              List.of(),
              1,
              Precision.F32,
              Head.regression(2),
              attention,
              true,
              false,
              0);
      MultiLayerNetwork whole = Networks.create(spec, DECAYED_MOMENTUM, 4);
      MultiLayerNetwork cut = Networks.create(spec, DECAYED_MOMENTUM, 4);
      INDArray x = Nd4j.rand(7, 3, 6);
      INDArray y = Nd4j.rand(7, 2);

      double expected = new TrainingStep(whole).run(new Batch(x, y, null));
      double loss;
      try (var threads = new Replicas(cut, 2)) {
        loss = new TrainingStep(threads, 2).run(new Batch(x, y, null));
      }

      assertThat(loss).isCloseTo(expected, within(1e-6));
      assertThat(worst(cut.params(), whole.params())).isLessThan(1e-6);
    }
  }

  /** Clipped in some steps; biases are not decayed. */
  private static final OptimizerSpec DECAYED_MOMENTUM =
      new OptimizerSpec(
          OptimizerSpec.Algorithm.NESTEROVS,
          0.05,
          0,
          OptimizerSpec.Schedule.CONSTANT,
          8,
          2,
          1,
          1,
          1,
          1,
          0.1,
          0.3);

  private static ModelSpec sequences(Head head) {
    return new ModelSpec(
        3,
        6,
        Cell.LSTM,
        List.of(5, 4),
        true,
        0,
        ModelSpec.Output.SEQUENCE,
        List.of(3),
        1,
        Precision.F32,
        head);
  }

  private static double worst(INDArray actual, INDArray expected) {
    return actual.sub(expected).amaxNumber().doubleValue();
  }
}
