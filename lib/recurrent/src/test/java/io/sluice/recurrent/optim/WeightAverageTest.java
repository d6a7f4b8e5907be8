package io.sluice.recurrent.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class WeightAverageTest {
  /** More than two blocks. */
  private static final int P = 2500;

  @Test
  void isTheAverageFromZeroCorrectedForItsBias() {
    double decay = 0.9;
    var average = new WeightAverage(decay, Nd4j.create(DataType.FLOAT, P));
    INDArray fromZero = Nd4j.create(DataType.DOUBLE, P);

    for (int t = 1; t <= 30; t++) {
      INDArray weights = Nd4j.rand(DataType.FLOAT, P);
      average.add(weights);
      fromZero.muli(decay).addi(weights.castTo(DataType.DOUBLE).muli(1 - decay));

      INDArray expected = fromZero.div(1 - Math.pow(decay, t));
      INDArray actual = average.average().castTo(DataType.DOUBLE);
      // float32, of numbers in [0, 1)
      assertThat(actual.sub(expected).amaxNumber().doubleValue()).isLessThan(5e-7);
      assertThat(average.updates()).isEqualTo(t);
    }
  }

  @Test
  void withADecayOfOneItIsTheMean() {
    var average = new WeightAverage(1, Nd4j.create(DataType.FLOAT, P));
    INDArray sum = Nd4j.create(DataType.DOUBLE, P);
    for (int t = 1; t <= 30; t++) {
      INDArray weights = Nd4j.rand(DataType.FLOAT, P);
      average.add(weights);
      sum.addi(weights.castTo(DataType.DOUBLE));

      INDArray actual = average.average().castTo(DataType.DOUBLE);
      // float32, of numbers in [0, 1)
      assertThat(actual.sub(sum.div(t)).amaxNumber().doubleValue()).isLessThan(5e-7);
    }
  }

  @Test
  void afterOneUpdateItIsTheWeights() {
    var average = new WeightAverage(0.999, Nd4j.create(DataType.FLOAT, P));
    INDArray weights = Nd4j.randn(DataType.FLOAT, P);

    average.add(weights);

    assertThat(average.average()).isEqualTo(weights);
  }

  @Test
  void goesOnFromWhatWasSavedToTheSameBits() {
    INDArray[] weights = {randomWeights(), randomWeights(), randomWeights()};
    var average = new WeightAverage(0.99, weights[0]);
    average.add(weights[0]);
    average.add(weights[1]);
    var restored = new WeightAverage(0.99, weights[0]);

    restored.restore(FlatFloats.of(average.average()), average.updates());
    average.add(weights[2]);
    restored.add(weights[2]);

    assertThat(restored.average()).isEqualTo(average.average()).isNotEqualTo(weights[2]);
  }

  @Test
  void swapsPlacesWithTheWeightsAndBack() {
    INDArray weights = randomWeights();
    INDArray before = weights.dup();
    var average = new WeightAverage(0.5, weights);
    average.add(randomWeights());
    INDArray averageBefore = average.average().dup();

    average.swapWith(weights);
    assertThat(weights).isEqualTo(averageBefore);
    average.swapWith(weights);

    assertThat(weights).isEqualTo(before);
    assertThat(average.average()).isEqualTo(averageBefore);
  }

  @Test
  void whatDoesNotFitIsRefused() {
    var average = new WeightAverage(0.5, randomWeights());

    assertThatThrownBy(() -> average.add(Nd4j.create(DataType.FLOAT, 3)))
        .hasMessage("The array has 3 numbers, expected one a parameter, 2500");
    assertThatThrownBy(() -> new WeightAverage(1.5, randomWeights()))
        .hasMessage("decay is 1.5, must be in (0, 1]");
  }

  @Test
  void hashTellsTheLastBitTheSignOfZeroAndThePlace() {
    INDArray weights = randomWeights();
    long hash = ParameterHash.of(weights);
    assertThat(ParameterHash.of(weights.dup().reshape(1, P))).isEqualTo(hash);

    for (int k = 0; k < P; k += 7) {
      INDArray other = weights.dup();
      other.putScalar(k, Math.nextUp(weights.getFloat(k)));
      assertThat(ParameterHash.of(other)).isNotEqualTo(hash);
    }
    INDArray swapped = weights.dup();
    swapped.putScalar(0, weights.getFloat(4));
    swapped.putScalar(4, weights.getFloat(0));
    assertThat(ParameterHash.of(swapped)).isNotEqualTo(hash);
    assertThat(ParameterHash.of(Nd4j.createFromArray(-0f)))
        .isNotEqualTo(ParameterHash.of(Nd4j.createFromArray(0f)));
    assertThat(ParameterHash.of(Nd4j.create(DataType.FLOAT, 5)))
        .isNotEqualTo(ParameterHash.of(Nd4j.create(DataType.FLOAT, 6)));
    // as computed outside of Java
    assertThat(ParameterHash.of(Nd4j.createFromArray(1f, 2f, 3f, 4f, 5f)))
        .isEqualTo(-1447116524724917798L);
  }

  private static INDArray randomWeights() {
    return Nd4j.randn(DataType.FLOAT, P);
  }
}
