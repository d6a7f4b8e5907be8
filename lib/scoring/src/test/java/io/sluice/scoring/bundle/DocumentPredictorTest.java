package io.sluice.scoring.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.WordEmbedding;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.dataset.TextDataset;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Passes that memory cuts a batch into. */
class DocumentPredictorTest {
  @TempDir Path folder;
  private TextDataset documents;

  @BeforeEach
  void build() {
    documents = TextModels.documents(folder);
  }

  @Test
  void aBatchInPassesIsThatOfOne() {
    ModelSpec spec = spec(6, Attention.additive(3), Precision.F32);
    TextBatch batch =
        TextBatch.of(
            0,
            List.of(
                new int[] {2, 3},
                new int[] {1},
                new int[] {4, 2, 3},
                new int[] {3, 1, 2},
                new int[] {2}));
    MultiLayerNetwork network = Networks.create(spec, OptimizerSpec.constantAdam(1e-3), 42);
    try (var whole = new DocumentPredictor(network, spec, documents.contract());
        var cut = new DocumentPredictor(network.clone(), spec, documents.contract(), 6)) {
      DocumentPredictor.Attended expected = whole.attended(batch);

      DocumentPredictor.Attended actual = cut.attended(batch);

      assertThat(actual.probabilities()).hasSize(10);
      assertThat(actual.probabilities()).containsExactly(expected.probabilities(), within(1e-6f));
      assertThat(actual.weights()).containsExactly(expected.weights(), within(1e-6f));
      assertThat(cut.probabilities(batch)).isEqualTo(actual.probabilities());
    }
  }

  @Test
  void aWideNetworkTakesFewerTokensAtOnce() {
    ModelSpec spec = spec(1024, Attention.NONE, Precision.BF16);
    TextBatch batch = TextBatch.of(0, Collections.nCopies(64, new int[300]));
    MultiLayerNetwork network = Networks.create(spec, OptimizerSpec.constantAdam(1e-3), 42);
    long before = Pointer.totalBytes();
    try (var predictor = new DocumentPredictor(network, spec, documents.contract())) {
      predictor.probabilities(batch);

      assertThat(DocumentPredictor.tokensAtOnce(spec)).isLessThan(64 * 300);
      // two tasks of a process that may hold 2 GiB
      assertThat(Pointer.totalBytes() - before).isLessThan(512L << 20);
    }
    assertThat(DocumentPredictor.tokensAtOnce(spec(64, Attention.NONE, Precision.F32)))
        .isEqualTo(TextDataset.TOKENS_AT_ONCE);
  }

  private ModelSpec spec(int units, Attention attention, Precision precision) {
    return new ModelSpec(
            1,
            300,
            Cell.LSTM,
            List.of(units),
            false,
            0,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            precision,
            Head.classes(2, List.of()),
            attention,
            false,
            false,
            0)
        .with(WordEmbedding.of(documents.vocabulary().size(), units == 6 ? 5 : 256));
  }
}
