package io.sluice.sequences.text.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.text.dataset.TextManifest.Run;
import io.sluice.sequences.text.dataset.TextManifest.SplitSummary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PaddingTest {

  /** Lengths of 10 to 400 tokens, short ones the most, as reviews have them; ascending. */
  private static int[] lengths(int documents) {
    var random = new Random(8);
    int[] lengths = new int[documents];
    Arrays.setAll(
        lengths, i -> (int) Math.min(400, 10 + 60 * Math.exp(0.8 * random.nextGaussian())));
    Arrays.sort(lengths);
    return lengths;
  }

  private static SplitSummary summary(int[] lengths, List<Run> runs) {
    return new SplitSummary(
        lengths.length,
        Arrays.stream(lengths).sum(),
        0L,
        0,
        0,
        0,
        0,
        Map.of(),
        List.of(),
        runs,
        "");
  }

  private static Padding padding(int[] lengths, int batchSize) {
    var runs = new ArrayList<Run>();
    Arrays.stream(lengths).forEach(length -> runs.add(new Run(length, 1)));
    return Padding.of(summary(lengths, runs), batchSize);
  }

  /** What an epoch pads. */
  private static double padded(int[] lengths, int poolBatches, int batchSize, int epoch) {
    var order = new EpochOrder(lengths.length, poolBatches, new Dealing(batchSize, 1, 5), epoch);
    long computed = 0;
    for (int from = 0; from < lengths.length; from += batchSize) {
      int to = Math.min(lengths.length, from + batchSize);
      int longest = 0;
      for (int position = from; position < to; position++) {
        longest = Math.max(longest, lengths[(int) order.document(position)]);
      }
      computed += (long) (to - from) * longest;
    }
    return 1 - (double) Arrays.stream(lengths).sum() / computed;
  }

  @ParameterizedTest
  @CsvSource({
    "30000, 64, 8", // many documents: pools as they always were
    "8000, 64, 4",
    "4000, 64, 2",
    "2000, 64, 1",
    "250, 64, 1", // where even neighbours differ
    "500, 1, 8", // nothing is padded
    "960, 60, 1", // no pool is short
    "40, 64, 1" // one batch
  })
  void poolsHaveSoManyBatchesThatLittleIsPadded(int documents, int batchSize, int poolBatches) {
    int[] lengths = lengths(documents);

    Padding padding = padding(lengths, batchSize);

    assertThat(padding.poolBatches()).isEqualTo(poolBatches);
    double mean = 0;
    for (int epoch = 0; epoch < 40; epoch++) {
      mean += padded(lengths, poolBatches, batchSize, epoch) / 40;
    }
    // 40 draws of which pool is short and of who is in a batch
    assertThat(padding.share().getAsDouble()).isCloseTo(mean, within(0.01));
    assertThat(padding.isMuch()).isEqualTo(documents < 2000 && batchSize > 1);
    if (poolBatches < 8) {
      assertThat(padded(lengths, 2 * poolBatches, batchSize, 0)).isGreaterThan(0.07);
    } else {
      assertThat(mean).isLessThan(0.08);
    }
  }

  @Test
  void aDatasetOfBeforeLengthsWereWrittenDownKeepsItsOrder() {
    Padding padding = Padding.of(summary(lengths(100), null), 64);

    assertThat(padding.poolBatches()).isEqualTo(8);
    assertThat(padding.share()).isEmpty();
    assertThat(padding.isMuch()).isFalse();
  }

  @Test
  void noDocumentsPadNothing() {
    assertThat(padding(new int[0], 64).share()).hasValue(0);
  }
}
