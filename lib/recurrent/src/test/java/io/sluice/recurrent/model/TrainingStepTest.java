package io.sluice.recurrent.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.TrainingStep;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

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
      double loss = step.run(x, y, labelsMask);

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
}
