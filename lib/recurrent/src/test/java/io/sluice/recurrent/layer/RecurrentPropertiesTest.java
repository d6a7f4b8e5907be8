package io.sluice.recurrent.layer;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.TensorAssert;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Direction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/** What holds of a layer in a network whatever its cell, with masks and both directions. */
class RecurrentPropertiesTest {
  private static final int B = 5;
  private static final int T = 7;
  private static final int I = 3;
  private static final int H = 7;

  /** float32 holds 6e-8; a gradient sums 35 steps, and a layer norm of few numbers magnifies. */
  private static final double ROUNDING = 5e-6;

  /** Left, right, inside, none, all. */
  private static final float[][] MASK = {
    {0, 0, 1, 1, 1, 1, 1},
    {1, 1, 1, 0, 0, 0, 0},
    {1, 0, 1, 1, 0, 0, 1},
    {1, 1, 1, 1, 1, 1, 1},
    {0, 0, 0, 0, 0, 0, 0},
  };

  private static final int ALL_MASKED = 4;

  @BeforeAll
  static void oneThread() {
    NativeThreads.set(1);
  }

  /** How a layer stands in its network. */
  enum Reading {
    FORWARD,
    BACKWARD,
    BOTH,
    BOTH_IN_DL4JS_WRAPPER;

    boolean isBoth() {
      return this == BOTH || this == BOTH_IN_DL4JS_WRAPPER;
    }

    Layer layer(Cell cell) {
      Recurrent recurrent =
          new Recurrent.Builder(cell)
              .nIn(I)
              .nOut(H)
              .direction(this == BACKWARD ? Direction.BACKWARD : Direction.FORWARD)
              .build();
      return switch (this) {
        case FORWARD, BACKWARD -> recurrent;
        case BOTH -> new BidirectionalRecurrent(recurrent);
        case BOTH_IN_DL4JS_WRAPPER -> new Bidirectional(recurrent);
      };
    }
  }

  static Stream<Arguments> layers() {
    return Stream.of(Cell.values())
        .flatMap(cell -> Stream.of(Reading.values()).map(reading -> Arguments.of(cell, reading)));
  }

  private static MultiLayerNetwork network(Cell cell, Reading reading) {
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(7)
                .updater(new Sgd(0.1))
                .list()
                .layer(reading.layer(cell))
                .layer(
                    new RnnOutputLayer.Builder(LossFunctions.LossFunction.MSE)
                        .nIn(reading.isBoth() ? 2 * H : H)
                        .nOut(2)
                        .dataFormat(RNNFormat.NCW)
                        .activation(Activation.IDENTITY)
                        .build())
                .build());
    network.init();
    Nd4j.getRandom().setSeed(11);
    return network;
  }

  private static INDArray x() {
    return Nd4j.randn(B, I, T);
  }

  private static INDArray labels() {
    return Nd4j.randn(B, 2, T);
  }

  private static INDArray mask() {
    return Nd4j.createFromArray(MASK);
  }

  /** Gradient of the parameters and of the input, both copies: the network writes over its own. */
  private record Gradients(INDArray parameters, INDArray x) {}

  /** The mask holds for input and loss. */
  private static Gradients gradients(
      MultiLayerNetwork network, INDArray x, INDArray labels, INDArray mask) {
    Pair<Gradient, INDArray> gradients = network.calculateGradients(x, labels, mask, mask);
    network.clearLayerMaskArrays();
    return new Gradients(gradients.getFirst().gradient().dup(), gradients.getSecond().dup());
  }

  private static INDArray rows(INDArray batch, int from, int to) {
    return batch.get(NDArrayIndex.interval(from, to)).dup();
  }

  private static void requireClose(String name, INDArray actual, INDArray expected) {
    TensorAssert.assertClose(
        name, actual.dup('c').data().asDouble(), expected.dup('c').data().asDouble(), ROUNDING);
  }

  @ParameterizedTest
  @MethodSource("layers")
  void sequenceWhoseStepsAreAllMaskedChangesNoGradient(Cell cell, Reading reading) {
    MultiLayerNetwork network = network(cell, reading);
    INDArray x = x();
    INDArray labels = labels();
    var without =
        gradients(
            network,
            rows(x, 0, ALL_MASKED),
            rows(labels, 0, ALL_MASKED),
            rows(mask(), 0, ALL_MASKED));

    var with = gradients(network, x, labels, mask());

    requireClose("gradient", with.parameters(), without.parameters());
    assertThat(rows(with.x(), ALL_MASKED, B).amaxNumber().doubleValue()).isZero();
    requireClose("dx", rows(with.x(), 0, ALL_MASKED), without.x());
  }

  @ParameterizedTest
  @MethodSource("layers")
  void batchWithoutAnUnmaskedStepHasNoGradient(Cell cell, Reading reading) {
    MultiLayerNetwork network = network(cell, reading);

    var gradients = gradients(network, x(), labels(), Nd4j.zeros(B, T));

    assertThat(gradients.parameters().amaxNumber().doubleValue()).isZero();
    assertThat(gradients.x().amaxNumber().doubleValue()).isZero();
  }

  @ParameterizedTest
  @MethodSource("layers")
  void whatStandsAtMaskedStepsDoesNotMatter(Cell cell, Reading reading) {
    MultiLayerNetwork network = network(cell, reading);
    INDArray x = x();
    INDArray labels = labels();
    var expected = gradients(network, x, labels, mask());
    INDArray output = network.output(x, false, mask(), null).dup();
    network.clearLayerMaskArrays();
    for (int b = 0; b < B; b++) {
      for (int t = 0; t < T; t++) {
        if (MASK[b][t] == 0) {
          x.putScalar(b, 0, t, Float.NaN);
        }
      }
    }

    var gradients = gradients(network, x, labels, mask());

    assertThat(gradients.parameters()).isEqualTo(expected.parameters());
    assertThat(gradients.x()).isEqualTo(expected.x());
    assertThat(network.output(x, false, mask(), null)).isEqualTo(output);
  }

  @ParameterizedTest
  @MethodSource("layers")
  void notANumberStaysInItsSequence(Cell cell, Reading reading) {
    MultiLayerNetwork network = network(cell, reading);
    INDArray x = x();
    INDArray labels = labels();
    for (INDArray mask : new INDArray[] {null, mask()}) {
      INDArray dx = gradients(network, x, labels, mask).x();
      INDArray output = network.output(x, false, mask, null).dup();
      network.clearLayerMaskArrays();
      INDArray dirty = x.dup();
      dirty.putScalar(2, 1, 3, Float.NaN);

      INDArray dirtyDx = gradients(network, dirty, labels, mask).x();
      INDArray dirtyOutput = network.output(dirty, false, mask, null).dup();
      network.clearLayerMaskArrays();

      for (int b = 0; b < B; b++) {
        if (b == 2) {
          assertThat(step(dirtyOutput, b, 3)).as("output at the NaN").containsOnly(Float.NaN);
          assertThat(step(dirtyDx, b, 3)).as("dx at the NaN").contains(Float.NaN);
        } else {
          assertThat(rows(dirtyOutput, b, b + 1)).isEqualTo(rows(output, b, b + 1));
          assertThat(rows(dirtyDx, b, b + 1)).isEqualTo(rows(dx, b, b + 1));
        }
      }
    }
  }

  private static float[] step(INDArray series, int b, int t) {
    return series
        .get(NDArrayIndex.point(b), NDArrayIndex.all(), NDArrayIndex.point(t))
        .dup()
        .data()
        .asFloat();
  }

  @ParameterizedTest
  @MethodSource("layers")
  void batchSplitAndSummedEqualsWhole(Cell cell, Reading reading) {
    MultiLayerNetwork network = network(cell, reading);
    INDArray x = x();
    INDArray labels = labels();
    for (INDArray mask : new INDArray[] {null, mask()}) {
      var whole = gradients(network, x, labels, mask);
      var first = gradients(network, rows(x, 0, 2), rows(labels, 0, 2), part(mask, 0, 2));

      var second = gradients(network, rows(x, 2, B), rows(labels, 2, B), part(mask, 2, B));

      requireClose("gradient", first.parameters().add(second.parameters()), whole.parameters());
      requireClose("dx", Nd4j.concat(0, first.x(), second.x()), whole.x());
    }
  }

  private static INDArray part(INDArray mask, int from, int to) {
    return mask == null ? null : rows(mask, from, to);
  }

  @ParameterizedTest
  @EnumSource(Cell.class)
  void reversedSeriesThroughABackwardLayerIsTheReversedForwardPass(Cell cell) {
    MultiLayerNetwork forward = network(cell, Reading.FORWARD);
    MultiLayerNetwork backward = network(cell, Reading.BACKWARD);
    backward.setParams(forward.params().dup());
    INDArray x = x();
    INDArray labels = labels();
    for (INDArray mask : new INDArray[] {null, mask()}) {
      var expected = gradients(forward, x, labels, mask);

      var gradients =
          gradients(backward, reversed(x), reversed(labels), mask == null ? null : reversed(mask));

      requireClose("gradient", gradients.parameters(), expected.parameters());
      requireClose("dx", reversed(gradients.x()), expected.x());
      requireClose("output", reversed(backward.output(reversed(x))), forward.output(x));
    }
  }

  /** Time running the other way. */
  private static INDArray reversed(INDArray series) {
    INDArray reversed = series.ulike();
    int last = series.rank() - 1;
    for (int t = 0; t < T; t++) {
      reversed.slice(t, last).assign(series.slice(T - 1 - t, last));
    }
    return reversed;
  }

  @ParameterizedTest
  @MethodSource("layers")
  void maskedSeriesGivesWhatItGivesWithoutItsMaskedSteps(Cell cell, Reading reading) {
    MultiLayerNetwork network = network(cell, reading);
    INDArray x = x();
    INDArray masked = network.output(x, false, mask(), null).dup();
    network.clearLayerMaskArrays();
    for (int b = 0; b < ALL_MASKED; b++) {
      int[] kept = kept(b);
      INDArray alone = Nd4j.create(1, I, kept.length);
      for (int k = 0; k < kept.length; k++) {
        alone.slice(0).slice(k, 1).assign(x.slice(b).slice(kept[k], 1));
      }

      INDArray expected = network.output(alone).slice(0);

      for (int k = 0; k < kept.length; k++) {
        requireClose("sequence " + b, masked.slice(b).slice(kept[k], 1), expected.slice(k, 1));
      }
    }
  }

  private static int[] kept(int b) {
    return IntStream.range(0, T).filter(t -> MASK[b][t] != 0).toArray();
  }
}
