package io.sluice.scoring.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.scoring.batch.LengthBatches.Encoded;
import io.sluice.sequences.text.RawDocuments.RawDocument;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import io.sluice.sequences.text.encoding.TextContract.Truncate;
import io.sluice.sequences.text.encoding.Tokenisation;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LengthBatchesTest {
  private static final Vocabulary VOCABULARY =
      Vocabulary.of(new Vocabulary.Special("<pad>", "<unk>", null), Map.of("a", 1L));

  private static LengthBatches batches(
      int batchSize, int batchTokens, int maxTokens, int... lengths) {
    Iterator<RawDocument> documents =
        IntStream.of(lengths)
            .mapToObj(n -> new RawDocument("d", null, Collections.nCopies(n, "a")))
            .iterator();
    var contract =
        new TextContract(
            Layout.DOCUMENTS,
            new Tokenisation(
                false,
                Tokenisation.Unicode.NONE,
                false,
                Tokenisation.Tokens.WORD,
                false,
                null,
                null),
            VOCABULARY.size(),
            VOCABULARY.hash(),
            0,
            1,
            null,
            maxTokens,
            Truncate.END,
            List.of("x", "y"));
    return new LengthBatches(documents, contract, VOCABULARY, batchSize, batchTokens);
  }

  private static List<List<Integer>> lengths(LengthBatches batches) {
    var lengths = new ArrayList<List<Integer>>();
    batches.forEachRemaining(
        batch -> lengths.add(batch.stream().map((Encoded e) -> e.ids().length).toList()));
    return lengths;
  }

  @Test
  void aBatchHasAtMostSoManyDocumentsAndStepsAndAtLeastOneDocument() {
    assertThat(lengths(batches(3, 10, 0, 1, 1, 2, 2, 3, 4, 5, 5, 12, 13)))
        .containsExactly(
            List.of(1, 1, 2), List.of(2, 3), List.of(4, 5), List.of(5), List.of(12), List.of(13));
  }

  @Test
  void whatIsCutOffNeedsNoRoom() {
    assertThat(lengths(batches(3, 10, 5, 4, 100, 100_000)))
        .containsExactly(List.of(4, 5), List.of(5));
  }

  @Test
  void paddingOfDocumentsInOrderOfLengthIsSmall() {
    int[] sorted = new Random(1).ints(2000, 10, 400).sorted().toArray();
    long steps = 0;
    long tokens = 0;
    for (List<Integer> batch : lengths(batches(64, 16_384, 0, sorted))) {
      steps += (long) batch.size() * Collections.max(batch);
      tokens += batch.stream().mapToLong(n -> n).sum();
    }

    assertThat(tokens).isEqualTo(IntStream.of(sorted).asLongStream().sum());
    assertThat(1 - (double) tokens / steps).isLessThan(0.03);
  }
}
