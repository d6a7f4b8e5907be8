package io.sluice.recurrent.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.recurrent.head.AdaptiveSoftmax;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.LayerTransfer.Fate;
import io.sluice.recurrent.model.LayerTransfer.Meaning;
import io.sluice.recurrent.optim.FlatFloats;
import io.sluice.recurrent.optim.SmallModels;
import io.sluice.recurrent.optim.SmallModels.Kind;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.ndarray.INDArray;

class LayerTransferTest {
  /** The trained network's words: one, two, three, four, five. */
  private static final int THEIRS = 5;

  /** Of: three, unheard, one, five. */
  private static final int[] WORDS = {2, -1, 0, 4};

  private static final Meaning BY_WORD = new Meaning(WORDS, null, "its classes are other ones");

  private static ModelSpec text(
      int words, List<Integer> hidden, boolean bidirectional, ModelSpec.Output output, Head head) {
    return new ModelSpec(
            1, 6, Cell.LSTM, hidden, bidirectional, 0.1, output, List.of(), 1, Precision.F32, head)
        .with(WordEmbedding.of(words, 3));
  }

  private static ModelSpec languageModel(boolean tied) {
    ModelSpec spec =
        text(
            THEIRS,
            List.of(4, 4),
            false,
            ModelSpec.Output.SEQUENCE,
            Head.classes(THEIRS, List.of()));
    return tied ? spec.with(new WordEmbedding(THEIRS, 3, false, 0, true)) : spec;
  }

  private static ModelSpec classifier(List<Integer> hidden, boolean bidirectional) {
    return text(
        WORDS.length, hidden, bidirectional, ModelSpec.Output.LAST, Head.classes(2, List.of()));
  }

  private static MultiLayerNetwork network(ModelSpec spec, long seed) {
    return Networks.create(spec, SmallModels.DESCENT, seed);
  }

  private static void assertSame(INDArray actual, INDArray expected) {
    assertThat(actual.dup('c').data().asFloat()).isEqualTo(expected.dup('c').data().asFloat());
  }

  @ParameterizedTest
  @EnumSource
  void aNetworkLikeTheTrainedOneTakesAllOfIt(Kind kind) {
    ModelSpec spec = kind.spec();
    int words = spec.embedding().words();
    var same =
        new Meaning(spec.hasEmbedding() ? IntStream.range(0, words).toArray() : null, null, null);
    MultiLayerNetwork trained = network(spec, 1);
    MultiLayerNetwork fresh = network(spec, 2);
    var transfer = new LayerTransfer(spec, spec, same);

    transfer.copy(trained, fresh);

    assertThat(transfer.fates()).allMatch(Fate::isTaken);
    assertThat(FlatFloats.of(fresh.params())).isEqualTo(FlatFloats.of(trained.params()));
  }

  @Test
  void activationRegularisationOfOneOfThemPlaysNoPart() {
    var same = new Meaning(null, null, null);
    for (Kind kind : List.of(Kind.CLASSES, Kind.SELF_ATTENTION)) {
      ModelSpec plain = kind.spec();
      ModelSpec regularised = plain.with(new Regularizers(0, null, 0, 0.5, 0.7));
      assertThat(plain.denseSizes()).isNotEmpty();
      for (boolean reverse : new boolean[] {false, true}) {
        ModelSpec theirs = reverse ? regularised : plain;
        ModelSpec own = reverse ? plain : regularised;
        MultiLayerNetwork trained = network(theirs, 1);
        MultiLayerNetwork fresh = network(own, 2);
        var transfer = new LayerTransfer(theirs, own, same);

        transfer.copy(trained, fresh);

        assertThat(transfer.fates()).allMatch(Fate::isTaken);
        assertThat(transfer.fates()).extracting(Fate::layer).endsWith("dense-0", "head");
        assertThat(FlatFloats.of(fresh.params())).isEqualTo(FlatFloats.of(trained.params()));
      }
    }
  }

  @Test
  void aClassifierTakesTheWordsAndLayersOfALanguageModel() {
    ModelSpec own = classifier(List.of(4, 4), false);
    MultiLayerNetwork trained = network(languageModel(true), 1);
    MultiLayerNetwork fresh = network(own, 2);
    INDArray head = fresh.getParam("4_W").dup();
    var transfer = new LayerTransfer(languageModel(true), own, BY_WORD);

    transfer.copy(trained, fresh);

    assertThat(transfer.fates())
        .hasToString(
            "[embedding: taken, 3 of 4 words; 1 begin with the mean row, recurrent-0: taken, all of it, recurrent-1: taken, all of it, head: fresh, the bundle has projection in its place]");
    INDArray rows = fresh.getParam("0_W");
    INDArray theirs = trained.getParam("0_W");
    assertSame(rows.getRow(0), theirs.getRow(2));
    assertSame(rows.getRow(2), theirs.getRow(0));
    assertSame(rows.getRow(3), theirs.getRow(4));
    assertThat(rows.getRow(1).distance2(theirs.mean(0))).isLessThan(1e-6);
    for (String name : List.of("1_W", "1_RW", "1_b", "2_W", "2_RW", "2_b")) {
      assertSame(fresh.getParam(name), trained.getParam(name));
    }
    assertSame(fresh.getParam("4_W"), head);
  }

  @Test
  void aClassifierThatReadsBothWaysTakesALanguageModelForItsForwardDirection() {
    ModelSpec own = classifier(List.of(4), true);
    ModelSpec model = languageModel(false);
    MultiLayerNetwork trained = network(model, 1);
    MultiLayerNetwork fresh = network(own, 2);
    INDArray backward = fresh.getParam("1_bRW").dup();
    var transfer = new LayerTransfer(model, own, BY_WORD);

    transfer.copy(trained, fresh);

    assertThat(transfer.fates().get(1).text())
        .isEqualTo("its forward direction; the backward one is fresh");
    for (String name : List.of("W", "RW", "b")) {
      assertSame(fresh.getParam("1_f" + name), trained.getParam("1_" + name));
    }
    assertSame(fresh.getParam("1_bRW"), backward);

    ModelSpec stacked = classifier(List.of(4, 4), true);
    assertThat(new LayerTransfer(model, stacked, BY_WORD).fates().get(2))
        .hasToString("recurrent-1: fresh, it has 8 inputs and 4 units, the bundle's 4 and 4");
    MultiLayerNetwork back = network(model, 3);
    ModelSpec one = text(4, List.of(4), true, ModelSpec.Output.LAST, Head.classes(2, List.of()));
    new LayerTransfer(one, model, new Meaning(new int[] {0, 1, 2, 3, -1}, null, "no"))
        .copy(fresh, back);
    assertSame(back.getParam("1_RW"), fresh.getParam("1_fRW"));
  }

  @Test
  void aLanguageModelOverOtherWordsTakesItsHeadWordByWord() {
    for (boolean tied : new boolean[] {false, true}) {
      ModelSpec theirs = languageModel(tied);
      ModelSpec own =
          text(4, List.of(4, 4), false, ModelSpec.Output.SEQUENCE, Head.classes(4, List.of()));
      own = tied ? own.with(new WordEmbedding(4, 3, false, 0, true)) : own;
      MultiLayerNetwork trained = network(theirs, 1);
      MultiLayerNetwork fresh = network(own, 2);
      String head = trained.getnLayers() - 1 + "_";
      INDArray biases = trained.getParam(head + "b");
      for (int v = 0; v < THEIRS; v++) {
        biases.putScalar(v, v + 0.5);
      }

      new LayerTransfer(theirs, own, new Meaning(WORDS, null, "no matter")).copy(trained, fresh);

      assertThat(fresh.getParam(head + "b").dup('c').data().asFloat())
          .containsExactly(2.5f, 2.5f, 0.5f, 4.5f); // the mean of 0.5 to 4.5 is 2.5
      if (!tied) {
        INDArray weights = fresh.getParam(head + "W");
        assertSame(weights.getColumn(0), trained.getParam(head + "W").getColumn(2));
        assertSame(weights.getColumn(3), trained.getParam(head + "W").getColumn(4));
      }
    }
  }

  @Test
  void anAdaptiveSoftmaxIsTakenForTheSameWordsAndClustersOnly() {
    ModelSpec full = languageModel(false);
    ModelSpec adaptive = adaptiveModel(2);
    ModelSpec others = adaptiveModel(3);
    var sameWords = new Meaning(new int[] {0, 1, 2, 3, 4}, null, null);

    assertThat(fates(adaptive, adaptive, sameWords)).contains("head: taken, all of it");
    assertThat(fates(adaptive, others, sameWords))
        .contains(
            "head: fresh, its softmax is adaptive with clusters from [3], divided by 2, the bundle's adaptive with clusters from [2], divided by 2");
    assertThat(fates(full, adaptive, sameWords)).contains("the bundle's full");
    assertThat(fates(adaptive, full, sameWords)).contains("head: fresh, its softmax is full");
    var swapped = new Meaning(new int[] {1, 0, 2, 3, 4}, null, null);
    assertThat(fates(adaptive, adaptive, swapped))
        .contains("head: fresh, the clusters of an adaptive softmax");

    MultiLayerNetwork fresh = network(adaptive, 2);
    INDArray head = fresh.getParam("3_W").dup();
    new LayerTransfer(full, adaptive, sameWords).copy(network(full, 1), fresh);
    assertSame(fresh.getParam("3_W"), head);
  }

  private static ModelSpec adaptiveModel(int cutoff) {
    return text(
        THEIRS,
        List.of(4, 4),
        false,
        ModelSpec.Output.SEQUENCE,
        Head.classes(THEIRS, List.of()).with(new AdaptiveSoftmax(List.of(cutoff), 2)));
  }

  @Test
  void aLayerThatDoesNotFitLeavesAllAboveItFresh() {
    Kind[] kinds = {Kind.LAYER_NORM, Kind.ADDITIVE_ATTENTION, Kind.BIDIRECTIONAL};
    ModelSpec plain = Kind.CLASSES.spec();
    var same = new Meaning(null, null, null);
    for (Kind kind : kinds) {
      assertThat(
              new LayerTransfer(kind.spec(), plain, same)
                  .fates().stream().filter(Fate::isTaken).map(Fate::layer))
          .as("%s", kind)
          .isEqualTo(
              kind == Kind.ADDITIVE_ATTENTION
                  ? List.of("recurrent-0", "recurrent-1")
                  : List.of("recurrent-0"));
    }
    assertThat(fates(plain, Kind.LAYER_NORM.spec(), same))
        .contains("layer-norm-0: fresh, the bundle has recurrent-1 in its place")
        .contains("recurrent-1: fresh, the layer below it is fresh");
    assertThat(fates(plain, Kind.QUANTILES.spec(), same))
        .contains("dense-0: fresh, model.output is max, the bundle's last");
    var others = new Meaning(null, "it reads [a], the bundle [b]", null);
    assertThat(new LayerTransfer(plain, plain, others).takesAny()).isFalse();
    assertThat(fates(plain, plain, others)).startsWith("[recurrent-0: fresh, it reads [a], the");
    assertThat(
            fates(
                languageModel(false),
                classifier(List.of(4), false).with(WordEmbedding.of(4, 7)),
                BY_WORD))
        .contains(
            "embedding: fresh, its rows have 7 numbers, the bundle's 3: set model.embedding-size = 3");
    assertThat(
            fates(
                languageModel(false),
                classifier(List.of(4), false),
                new Meaning(new int[] {-1, -1, -1, -1}, null, null)))
        .startsWith("[embedding: fresh, the bundle knows none of its words");
  }

  private static String fates(ModelSpec trained, ModelSpec own, Meaning meaning) {
    return new LayerTransfer(trained, own, meaning).fates().toString();
  }

  @Test
  void wordsThatAreNotThoseOfTheNetworkAreRefused() {
    assertThatThrownBy(
            () ->
                new LayerTransfer(
                    languageModel(false),
                    classifier(List.of(4), false),
                    new Meaning(Arrays.copyOf(WORDS, 3), null, null)))
        .hasMessage("words are 3 ids, with 5 and 4 words in the networks");
  }
}
