package io.sluice.recurrent.dropout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.pass.TrainingPass;
import java.util.HashSet;
import java.util.Set;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class ExampleDropoutTest {
  private static final long[] KEYS = {11, 22, 33};

  /**
   * What was drawn once is drawn for good: a checkpoint resumes under the same masks. The numbers
   * are those of the formula in {@link KeepBits}, computed outside of Java.
   */
  @Test
  void theGeneratorStaysAsItIs() {
    INDArray mask = Nd4j.create(DataType.FLOAT, 2, 24);
    try (var ignored = TrainingPass.begin(7, new long[] {1, 2}, null)) {
      new DropoutMask("recurrent-1", 0.75).draw(mask, 2);
    }

    assertThat(kept(mask.getRow(0))).isEqualTo("111011111101111111111010");
    assertThat(kept(mask.getRow(1))).isEqualTo("111000011110111101110011");
    assertThat(ExampleKeys.of(1, 2, 3, 2))
        .containsExactly(-6247600991044983929L, 3964745596644222665L);
  }

  private static String kept(INDArray row) {
    var text = new StringBuilder();
    for (float value : row.dup().data().asFloat()) {
      text.append(value > 0 ? '1' : '0');
    }
    return text.toString();
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.05, 0.3, 0.5, 0.9})
  void keepsItsShareOfEveryRowAndOfEveryPlace(double share) {
    int B = 500;
    int N = 5000;
    INDArray mask = Nd4j.create(DataType.FLOAT, B, N);
    try (var ignored = TrainingPass.begin(0, ExampleKeys.of(1, 0, 0, B), null)) {
      new DropoutMask("x", share).draw(mask, B);
    }
    INDArray kept = mask.gt(0).castTo(DataType.DOUBLE);

    // means of coins lie within 5 standard deviations
    assertThat(kept.meanNumber().doubleValue())
        .isCloseTo(share, within(5 * deviation(share, (double) B * N)));
    assertThat(worst(kept.mean(1), share)).isLessThan(5 * deviation(share, N));
    assertThat(worst(kept.mean(0), share)).isLessThan(5 * deviation(share, B));
    // neighbours in a row and in a column are kept together as often as two coins are
    assertThat(together(kept, 1, 0)).isCloseTo(share * share, within(0.001));
    assertThat(together(kept, 0, 1)).isCloseTo(share * share, within(0.001));
    assertThat(mask.maxNumber().floatValue()).isEqualTo((float) (1 / share));
  }

  private static double deviation(double share, double coins) {
    return Math.sqrt(share * (1 - share) / coins);
  }

  private static double worst(INDArray means, double share) {
    return means.sub(share).amaxNumber().doubleValue();
  }

  private static double together(INDArray kept, int rows, int columns) {
    long B = kept.size(0);
    long N = kept.size(1);
    return kept.get(NDArrayIndex.interval(0, B - rows), NDArrayIndex.interval(0, N - columns))
        .mul(kept.get(NDArrayIndex.interval(rows, B), NDArrayIndex.interval(columns, N)))
        .meanNumber()
        .doubleValue();
  }

  @Test
  void exampleStepAndLayerEachDrawTheirOwn() {
    Set<INDArray> masks = new HashSet<>();
    for (int step : new int[] {0, 1}) {
      for (String layer : new String[] {"a", "b", "a/backward"}) {
        INDArray mask = Nd4j.create(DataType.FLOAT, 3, 64);
        try (var ignored = TrainingPass.begin(step, KEYS, null)) {
          new DropoutMask(layer, 0.5).draw(mask, 3);
        }
        for (int b = 0; b < 3; b++) {
          masks.add(mask.getRow(b).dup());
        }
      }
    }

    assertThat(masks).hasSize(2 * 3 * 3);
  }

  @Test
  void rowsOfAnyLengthAreFilledToTheEndAndNotBeyond() {
    for (int N : new int[] {1, 3, 4095, 4096, 4097, 9000}) {
      INDArray memory = Nd4j.valueArrayOf(new long[] {4, N}, -1f);
      INDArray mask = memory.get(NDArrayIndex.interval(1, 3), NDArrayIndex.all());
      INDArray alone = Nd4j.create(DataType.FLOAT, 1, N);
      try (var ignored = TrainingPass.begin(0, new long[] {5, 6}, null)) {
        new DropoutMask("x", 0.5).draw(mask, 2);
      }
      try (var ignored = TrainingPass.begin(0, new long[] {6}, null)) {
        new DropoutMask("x", 0.5).draw(alone, 1);
      }

      assertThat(mask.minNumber().doubleValue()).isNotNegative();
      assertThat(mask.getRow(1)).isEqualTo(alone.getRow(0));
      assertThat(memory.getRow(0).maxNumber().doubleValue()).isEqualTo(-1);
      assertThat(memory.getRow(3).maxNumber().doubleValue()).isEqualTo(-1);
    }
  }

  @Test
  void aSeriesDropsTheSameInEveryLayoutAndAsRowsOfSteps() {
    int N = 5;
    int T = 4;
    INDArray x = Nd4j.rand(DataType.FLOAT, 3, N, T).addi(1);
    INDArray timeMajor = x.permute(2, 0, 1).dup('c').permute(1, 2, 0);
    INDArray rows = timeMajor.permute(2, 0, 1).reshape('c', T * 3L, N).dup('f');

    INDArray expected = apply(new ExampleDropout(0.5, "x", false), x.dup('c'));

    assertThat(apply(new ExampleDropout(0.5, "x", false), x.dup('f'))).isEqualTo(expected);
    assertThat(apply(new ExampleDropout(0.5, "x", false), timeMajor)).isEqualTo(expected);
    assertThat(apply(new ExampleDropout(0.5, "x", false), rows))
        .isEqualTo(expected.permute(2, 0, 1).reshape('c', T * 3L, N));
    assertThat(expected.eq(0).castTo(DataType.INT).sumNumber().intValue()).isBetween(10, 50);
    assertThat(worst(expected.sub(x.mul(2)).muli(expected), 0)).isZero();
  }

  @Test
  void onceASeriesIsOneMaskForAllSteps() {
    INDArray x = Nd4j.ones(DataType.FLOAT, 3, 50, 4);

    INDArray y = apply(new ExampleDropout(0.5, "x", true), x.dup());

    for (int t = 1; t < 4; t++) {
      assertThat(y.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(t)))
          .isEqualTo(y.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(0)));
    }
    assertThat(y.meanNumber().doubleValue()).isBetween(0.6, 1.4);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void gradientsPassWhereNumbersPassed(boolean oncePerSeries) {
    for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE}) {
      var dropout = new ExampleDropout(0.3, "x", oncePerSeries);
      INDArray y = apply(dropout, Nd4j.ones(type, 3, 6, 4));
      INDArray gradient = Nd4j.rand(type, 3, 6, 4);
      INDArray expected = gradient.mul(y);

      INDArray dx = dropout.backprop(gradient, gradient, 0, 0);

      assertThat(dx).isSameAs(gradient).isEqualTo(expected);
      assertThat(y.maxNumber().doubleValue())
          .isEqualTo(type == DataType.FLOAT ? (float) (1 / 0.3) : 1 / 0.3);
      assertThatThrownBy(() -> dropout.backprop(gradient, gradient, 0, 0))
          .hasMessage("Dropout of layer x has no mask: there was no forward pass in training");
    }
  }

  /** In the pass of three examples, in place. */
  private static INDArray apply(ExampleDropout dropout, INDArray x) {
    try (var ignored = TrainingPass.begin(2, KEYS, null)) {
      return dropout.applyDropout(x, x, 0, 0, LayerWorkspaceMgr.noWorkspaces());
    }
  }

  @Test
  void outsideOfATrainingPassItFollowsNd4jsGenerator() {
    var dropout = new ExampleDropout(0.5, "x", false);
    Nd4j.getRandom().setSeed(3);
    INDArray first = outside(dropout);
    INDArray second = outside(dropout);
    Nd4j.getRandom().setSeed(3);

    assertThat(outside(dropout)).isEqualTo(first).isNotEqualTo(second);
    assertThat(first.dup().data().asFloat()).containsOnly(0f, 2f).contains(0f, 2f);
  }

  private static INDArray outside(ExampleDropout dropout) {
    INDArray x = Nd4j.ones(DataType.FLOAT, 4, 16);
    return dropout.applyDropout(x, x, 0, 0, LayerWorkspaceMgr.noWorkspaces());
  }

  @Test
  void comesBackFromJsonBesideThoseOfDl4j() {
    MultiLayerConfiguration configuration =
        new NeuralNetConfiguration.Builder()
            .list()
            .layer(output(2).dropOut(new ExampleDropout(0.7, "head", true)).build())
            .layer(output(2).dropOut(new Dropout(0.6)).build())
            .build();

    MultiLayerConfiguration again = MultiLayerConfiguration.fromJson(configuration.toJson());

    assertThat(again).isEqualTo(configuration);
    assertThat(again.getConf(0).getLayer().getIDropout())
        .isEqualTo(new ExampleDropout(0.7, "head", true))
        .isNotEqualTo(new ExampleDropout(0.7, "head", false))
        .hasToString("ExampleDropout(0.7, head, once)");
    assertThat(again.getConf(1).getLayer().getIDropout()).isEqualTo(new Dropout(0.6));
  }

  private static OutputLayer.Builder output(int n) {
    return new OutputLayer.Builder().nIn(n).nOut(n);
  }

  @Test
  void whatCannotBeDroppedIsNamed() {
    assertThatThrownBy(() -> new ExampleDropout(1, "x", false))
        .hasMessage("kept is 1.0, must be in (0, 1)");
    assertThatThrownBy(() -> apply(new ExampleDropout(0.5, "head", true), Nd4j.ones(3, 4)))
        .hasMessage("Dropout of layer head has an input of shape [3, 4], expected (B, N, T)");
    assertThatThrownBy(() -> apply(new ExampleDropout(0.5, "head", false), Nd4j.ones(2, 4, 5)))
        .hasMessage("Dropout has rows of 2 examples in a pass of 3");
    try (var ignored = TrainingPass.begin(0, KEYS, null)) {
      assertThatThrownBy(() -> TrainingPass.begin(0, KEYS, null))
          .hasMessage("A training pass has begun on this thread and not ended");
    }
  }
}
