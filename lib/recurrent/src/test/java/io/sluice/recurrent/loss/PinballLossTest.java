package io.sluice.recurrent.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.deeplearning4j.nn.conf.serde.JsonMappers;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationTanH;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;

class PinballLossTest {
  private static final IActivation IDENTITY = new ActivationIdentity();
  private final PinballLoss loss = new PinballLoss(List.of(0.1, 0.5, 0.9), 1);

  @Test
  void valueIsTheOneComputedByHand() {
    INDArray target = Nd4j.createFromArray(new double[][] {{2}});
    INDArray output = Nd4j.createFromArray(new double[][] {{1, 2.5, 4}});

    double score = loss.computeScore(target, output, IDENTITY, null, true);

    // e = 1, -0.5, -2: 0.1·1 + (0.5 − 1)·(−0.5) + (0.9 − 1)·(−2) = 0.1 + 0.25 + 0.2, over 3
    // quantiles
    assertThat(score).isCloseTo(0.55 / 3, within(1e-12));
  }

  @Test
  void medianLossIsHalfTheAbsoluteError() {
    var median = new PinballLoss(List.of(0.5), 1);
    INDArray target = Nd4j.createFromArray(new double[][] {{1, -2}, {0.5, 3}});
    INDArray output = Nd4j.createFromArray(new double[][] {{0, 0}, {0, 0}});

    double score = median.computeScore(target, output, IDENTITY, null, true);

    assertThat(score).isCloseTo((1 + 2 + 0.5 + 3) / 4 / 2, within(1e-12));
  }

  @Test
  void gradientMatchesCentralDifferences() {
    for (IActivation activation : List.of(IDENTITY, new ActivationTanH())) {
      Nd4j.getRandom().setSeed(3);
      INDArray target = Nd4j.rand(DataType.DOUBLE, 4, 2).subi(0.5);
      INDArray output = Nd4j.rand(DataType.DOUBLE, 4, 6).subi(0.5);
      INDArray mask = Nd4j.createFromArray(new double[][] {{1, 0}, {1, 1}, {0, 0}, {1, 1}});

      // DL4J's activations may write into what they are given
      INDArray gradient = loss.computeGradient(target, output.dup(), activation, mask);

      double step = 1e-6;
      for (int b = 0; b < 4; b++) {
        for (int o = 0; o < 6; o++) {
          double slope =
              (scoreMoved(target, output, activation, mask, b, o, step)
                      - scoreMoved(target, output, activation, mask, b, o, -step))
                  / (2 * step);
          // piecewise linear: exact but for rounding of the two scores
          assertThat(gradient.getDouble(b, o))
              .as("dL/dOutput[%d, %d], %s", b, o, activation)
              .isCloseTo(slope, within(1e-8));
        }
      }
    }
  }

  private double scoreMoved(
      INDArray target,
      INDArray output,
      IActivation activation,
      INDArray mask,
      int b,
      int o,
      double by) {
    INDArray moved = output.dup();
    moved.putScalar(b, o, moved.getDouble(b, o) + by);
    return loss.computeScore(target, moved, activation, mask, false);
  }

  @Test
  void scoresOfExamplesSumToTheScore() {
    Nd4j.getRandom().setSeed(5);
    INDArray target = Nd4j.rand(DataType.DOUBLE, 4, 2);
    INDArray output = Nd4j.rand(DataType.DOUBLE, 4, 6);

    INDArray each = loss.computeScoreArray(target, output, IDENTITY, null);

    assertThat(each.shape()).containsExactly(4, 1);
    assertThat(each.meanNumber().doubleValue())
        .isCloseTo(loss.computeScore(target, output, IDENTITY, null, true), within(1e-12));
  }

  @Test
  void maskedTargetsPlayNoPart() {
    INDArray output = Nd4j.createFromArray(new double[][] {{1, 2, 3}, {1, 2, 3}});
    INDArray near = Nd4j.createFromArray(new double[][] {{2}, {0}});
    INDArray far = Nd4j.createFromArray(new double[][] {{2}, {1000}});
    INDArray mask = Nd4j.createFromArray(new double[][] {{1}, {0}});

    assertThat(loss.computeScore(far, output, IDENTITY, mask, true))
        .isEqualTo(loss.computeScore(near, output, IDENTITY, mask, true));
    assertThat(
            loss.computeGradient(far, output, IDENTITY, mask).getRow(1).sumNumber().doubleValue())
        .isZero();
  }

  @Test
  void jsonOfDl4jBringsItBack() throws Exception {
    var mapper = JsonMappers.getMapper();
    var scaled = new PinballLoss(List.of(0.25, 0.75), 0.125);

    String json = mapper.writeValueAsString(scaled);

    assertThat(json).contains("io.sluice.recurrent.loss.PinballLoss");
    assertThat(mapper.readValue(json, ILossFunction.class)).isEqualTo(scaled);
  }

  @Test
  void quantilesOutOfOrderAreRefused() {
    assertThatThrownBy(() -> new PinballLoss(List.of(0.9, 0.1), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("quantiles must ascend within (0, 1), but are [0.9, 0.1]");
  }

  @Test
  void labelsOfAnotherShapeAreRefused() {
    assertThatThrownBy(
            () ->
                loss.computeScore(
                    Nd4j.zeros(DataType.DOUBLE, 2, 6),
                    Nd4j.zeros(DataType.DOUBLE, 2, 6),
                    IDENTITY,
                    null,
                    true))
        .hasMessage(
            "labels have shape [2, 6], expected (B, J) = (2, 2) for outputs of shape [2, 6] and 3 quantiles");
  }
}
