package io.sluice.recurrent.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.head.AdaptiveSoftmax;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.ModelSpec.Output;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.NoOp;

/** Backpropagation of every kind of network against central differences, in float64. */
class GradientCheckTest {
  private static final int B = 2;
  private static final int I = 2;
  private static final int T = 4;

  @BeforeEach
  void float64() {
    NativeThreads.set(1);
    Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
  }

  @AfterEach
  void float32() {
    Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
  }

  static Stream<Arguments> networks() {
    Head regression = Head.regression(2);
    Head quantiles = Head.quantiles(2, List.of(0.1, 0.5, 0.9));
    Head classes = Head.classes(3, List.of());
    Head weighted = Head.classes(3, List.of(0.5, 2.0, 3.0));
    return Stream.of(
        Arguments.of("LSTM, last", spec(Cell.LSTM, false, 0, Output.LAST, regression)),
        Arguments.of("LSTM, sequence", spec(Cell.LSTM, false, 0, Output.SEQUENCE, regression)),
        Arguments.of("LSTM, dropout", spec(Cell.LSTM, false, 0.4, Output.LAST, regression)),
        Arguments.of("LSTM, quantiles", spec(Cell.LSTM, false, 0, Output.LAST, quantiles)),
        Arguments.of(
            "LSTM, quantiles, sequence", spec(Cell.LSTM, false, 0, Output.SEQUENCE, quantiles)),
        Arguments.of("LSTM, classes", spec(Cell.LSTM, false, 0, Output.LAST, classes)),
        Arguments.of("LSTM, weighted classes", spec(Cell.LSTM, false, 0, Output.LAST, weighted)),
        Arguments.of(
            "LSTM, weighted classes, sequence",
            spec(Cell.LSTM, false, 0, Output.SEQUENCE, weighted)),
        Arguments.of(
            "peepholes, last", spec(Cell.PEEPHOLE_LSTM, false, 0, Output.LAST, regression)),
        Arguments.of("GRU, sequence", spec(Cell.GRU, false, 0, Output.SEQUENCE, regression)),
        Arguments.of(
            "layer-norm LSTM, last", spec(Cell.LAYERNORM_LSTM, false, 0, Output.LAST, regression)),
        Arguments.of("simple, last", spec(Cell.RNN, false, 0, Output.LAST, regression)),
        Arguments.of("bidirectional LSTM, last", spec(Cell.LSTM, true, 0, Output.LAST, regression)),
        Arguments.of(
            "bidirectional LSTM, sequence", spec(Cell.LSTM, true, 0, Output.SEQUENCE, regression)),
        Arguments.of(
            "bidirectional LSTM, dropout", spec(Cell.LSTM, true, 0.4, Output.LAST, regression)),
        Arguments.of(
            "bidirectional LSTM, variational dropout",
            dropping(spec(Cell.LSTM, true, 0.4, Output.LAST, regression))),
        Arguments.of(
            "GRU, variational dropout, sequence",
            dropping(spec(Cell.GRU, false, 0.4, Output.SEQUENCE, regression))),
        Arguments.of("bidirectional simple, last", spec(Cell.RNN, true, 0, Output.LAST, classes)),
        Arguments.of("LSTM, mean", spec(Cell.LSTM, false, 0, Output.MEAN, regression)),
        Arguments.of("bidirectional LSTM, max", spec(Cell.LSTM, true, 0, Output.MAX, classes)),
        Arguments.of(
            "bidirectional LSTM, additive attention, layer norm",
            with(spec(Cell.LSTM, true, 0.4, Output.LAST, classes), Attention.additive(3), true)),
        Arguments.of(
            "bidirectional GRU, self-attention, layer norm, last",
            with(spec(Cell.GRU, true, 0, Output.LAST, regression), Attention.self(2), true)),
        Arguments.of(
            "LSTM, self-attention, sequence",
            with(spec(Cell.LSTM, false, 0.4, Output.SEQUENCE, weighted), Attention.self(1), false)),
        Arguments.of(
            "LSTM, activation regularisation, sequence",
            spec(Cell.LSTM, false, 0.4, Output.SEQUENCE, weighted)
                .with(new Regularizers(0.3, 0.2, 0, 0.8, 1.2))),
        Arguments.of(
            "bidirectional GRU, activation regularisation, mean",
            spec(Cell.GRU, true, 0, Output.MEAN, regression)
                .with(new Regularizers(0.3, null, 0, 0.8, 1.2))),
        Arguments.of(
            "LSTM, weight dropout",
            spec(Cell.LSTM, false, 0.2, Output.SEQUENCE, regression)
                .with(new Regularizers(0, null, 0.5, 0, 0))),
        Arguments.of(
            "bidirectional layer-norm LSTM, weight dropout",
            spec(Cell.LAYERNORM_LSTM, true, 0, Output.LAST, regression)
                .with(new Regularizers(0, null, 0.5, 0, 0))));
  }

  private static ModelSpec with(ModelSpec plain, Attention attention, boolean layerNorm) {
    return new ModelSpec(
        plain.inputSize(),
        plain.lookBack(),
        plain.cell(),
        plain.hiddenSizes(),
        plain.bidirectional(),
        plain.dropout(),
        plain.output(),
        plain.denseSizes(),
        plain.forgetBias(),
        plain.precision(),
        plain.head(),
        attention,
        layerNorm,
        false,
        0);
  }

  /** With one mask a sequence, on what enters the second layer and on the state. */
  private static ModelSpec dropping(ModelSpec plain) {
    return new ModelSpec(
        plain.inputSize(),
        plain.lookBack(),
        plain.cell(),
        plain.hiddenSizes(),
        plain.bidirectional(),
        plain.dropout(),
        plain.output(),
        plain.denseSizes(),
        plain.forgetBias(),
        plain.precision(),
        plain.head(),
        Attention.NONE,
        false,
        true,
        0.3);
  }

  /** Left, right, inside, and all. */
  private static final float[][] MASK = {{0, 1, 1, 1}, {1, 1, 0, 0}, {1, 0, 0, 1}, {0, 0, 0, 0}};

  static Stream<Arguments> everyCell() {
    return Stream.of(Cell.values())
        .flatMap(
            cell ->
                Stream.of(true, false)
                    .flatMap(
                        both ->
                            Stream.of(Output.values())
                                .map(output -> Arguments.of(cell, both, output))));
  }

  @ParameterizedTest(name = "{0}, both directions: {1}, {2}")
  @MethodSource("everyCell")
  void backwardOfMaskedSeriesMatchesCentralDifferences(
      Cell cell, boolean bidirectional, Output output) {
    check(
        cell.label(),
        spec(cell, bidirectional, 0, output, Head.regression(2)),
        Nd4j.createFromArray(MASK).castTo(DataType.DOUBLE));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("networks")
  void backwardMatchesCentralDifferences(String name, ModelSpec spec) {
    check(name, spec, null);
  }

  @ParameterizedTest
  @EnumSource(names = {"SEQUENCE", "LAST"})
  void backwardOfMaskedRegularizedActivationsMatchesCentralDifferences(Output output) {
    check(
        "masked",
        spec(Cell.LSTM, false, 0.3, output, Head.regression(2))
            .with(new Regularizers(0, 0.2, 0, 0.8, 1.2)),
        Nd4j.createFromArray(MASK).castTo(DataType.DOUBLE));
  }

  static Stream<Arguments> networksOverWords() {
    ModelSpec nextWord = words(Output.SEQUENCE, Head.classes(5, List.of()));
    return Stream.of(
        Arguments.of("trained", nextWord.with(new WordEmbedding(5, 3, false, 0.3, false))),
        Arguments.of(
            "adaptive",
            words(
                    Output.SEQUENCE,
                    Head.classes(5, List.of()).with(new AdaptiveSoftmax(List.of(1, 3), 1)))
                .with(new WordEmbedding(5, 3, false, 0, false))),
        Arguments.of("tied", nextWord.with(new WordEmbedding(5, 2, false, 0, true))),
        Arguments.of("tied, projected", nextWord.with(new WordEmbedding(5, 3, false, 0.3, true))),
        Arguments.of(
            "tied, last",
            words(Output.LAST, Head.classes(5, List.of()))
                .with(new WordEmbedding(5, 4, false, 0, true))),
        Arguments.of(
            "regression", words(Output.LAST, Head.regression(2)).with(WordEmbedding.of(5, 3))));
  }

  private static ModelSpec words(Output output, Head head) {
    ModelSpec spec = spec(Cell.LSTM, false, 0.2, output, head);
    return new ModelSpec(
        1,
        T,
        spec.cell(),
        spec.hiddenSizes(),
        false,
        spec.dropout(),
        output,
        List.of(),
        1,
        Precision.F32,
        head);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("networksOverWords")
  void backwardOverWordsMatchesCentralDifferences(String name, ModelSpec spec) {
    check(name, spec, null);
    check(name, spec, Nd4j.createFromArray(MASK).castTo(DataType.DOUBLE));
  }

  private static void check(String name, ModelSpec spec, INDArray mask) {
    var network =
        new MultiLayerNetwork(
            Networks.configuration(spec, new NoOp(), group -> List.of(), 42, DataType.DOUBLE));
    network.init();
    Nd4j.getRandom().setSeed(7);
    int sequences = mask == null ? B : MASK.length;
    INDArray input =
        spec.hasEmbedding()
            ? Nd4j.math().floor(Nd4j.rand(DataType.DOUBLE, sequences, 1, T).muli(5))
            : Nd4j.randn(DataType.DOUBLE, sequences, I, T);
    if (spec.hasEmbedding()) {
      network.params().muli(3);
    }
    INDArray labels = labels(spec, sequences);

    boolean agrees =
        GradientCheckUtil.checkGradients(
            new GradientCheckUtil.MLNConfig()
                .net(network)
                .input(input)
                .labels(labels)
                .inputMask(mask)
                .labelMask(spec.output() == Output.SEQUENCE ? mask : null)
                .epsilon(1e-6)
                // central differences of a float64 loss: (1e-6)² truncation, 1e-16/1e-6 rounding
                .maxRelError(1e-5)
                .minAbsoluteError(spec.hasEmbedding() ? 1e-8 : 1e-9)
                .subset(true)
                .maxPerParam(mask == null ? 8 : 3)
                .print(GradientCheckUtil.PrintMode.FAILURES_ONLY)
                // the same units are dropped in every evaluation
                .callEachIter(n -> Nd4j.getRandom().setSeed(99)));

    assertThat(agrees).as(name).isTrue();
  }

  private static ModelSpec spec(
      Cell cell, boolean bidirectional, double dropout, Output output, Head head) {
    return new ModelSpec(
        I,
        T,
        cell,
        List.of(2, 2),
        bidirectional,
        dropout,
        output,
        List.of(),
        1,
        Precision.F32,
        head);
  }

  private static INDArray labels(ModelSpec spec, int sequences) {
    boolean sequence = spec.output() == Output.SEQUENCE;
    int columns = spec.head().outputs();
    INDArray labels =
        sequence
            ? Nd4j.randn(DataType.DOUBLE, sequences, columns, T)
            : Nd4j.randn(DataType.DOUBLE, sequences, columns);
    if (spec.head().kind() == Head.Kind.CLASSES) {
      labels.assign(0);
      for (int b = 0; b < sequences; b++) {
        for (int t = 0; t < (sequence ? T : 1); t++) {
          int v = (b + t) % columns;
          if (sequence) {
            labels.putScalar(b, v, t, 1);
          } else {
            labels.putScalar(b, v, 1);
          }
        }
      }
    }
    return labels;
  }
}
