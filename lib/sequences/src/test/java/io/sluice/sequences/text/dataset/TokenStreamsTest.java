package io.sluice.sequences.text.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.TextBuild;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Streams over 10,007 tokens t0, t1, …, each its own word, so a token tells where it stands. */
class TokenStreamsTest {
  private static final int TOKENS = 10_007;

  @TempDir static Path folder;
  private static TextDataset dataset;
  private static int[] place; // of each id in the text

  @BeforeAll
  static void build() {
    var text = new StringBuilder();
    for (int i = 0; i < TOKENS; i++) {
      text.append('t').append(i).append(i % 11 == 10 ? '\n' : ' ');
    }
    TextBuild build =
        TextBuild.in(folder)
            .text("t.txt", text.toString())
            .with("dataset.layout = stream, text.vocabulary.max-size = 0");
    build.run();
    dataset = build.open();
    var vocabulary = dataset.vocabulary();
    place = new int[vocabulary.size()];
    for (int id = 1; id < place.length; id++) {
      place[id] = Integer.parseInt(vocabulary.token(id).substring(1));
    }
  }

  /** Places of the tokens of each stream, by its number over all ranks. */
  private static List<List<Integer>> streams(
      int streams, int timeSteps, int ranks, long fromStep, long memoryBytes) {
    return streams(streams, Truncation.every(timeSteps), ranks, 0, fromStep, memoryBytes);
  }

  private static List<List<Integer>> streams(
      int streams, Truncation truncation, int ranks, int epoch, long fromStep, long memoryBytes) {
    var read = new ArrayList<List<Integer>>();
    for (int b = 0; b < streams; b++) {
      read.add(new ArrayList<>());
    }
    for (int rank = 0; rank < ranks; rank++) {
      TokenStreams own =
          dataset.streams(Split.TRAIN, streams, truncation, rank, ranks, memoryBytes);
      var batches = own.epoch(epoch, fromStep);
      long step = fromStep;
      while (batches.hasNext()) {
        StreamBatch batch = batches.next();
        assertThat(batch.step()).isEqualTo(step++);
        assertThat(batch.size()).isEqualTo(own.size());
        assertThat(batch.globalSize()).isEqualTo(streams);
        for (int b = 0; b < batch.size(); b++) {
          for (int t = 0; t < batch.timeSteps(); t++) {
            int at = place[batch.ids()[t * batch.size() + b]];
            read.get(rank + b * ranks).add(at);
            assertThat(place[batch.nextIds()[t * batch.size() + b]]).isEqualTo(at + 1);
          }
        }
      }
      assertThat(step).isEqualTo(own.steps());
    }
    return read;
  }

  @ParameterizedTest
  @CsvSource({"1, 35, 1", "20, 20, 1", "20, 20, 3", "7, 100, 7", "3, 4000, 4"})
  void eachStreamRunsThroughItsRangeInOrder(int B, int T, int ranks) {
    int length = TOKENS / B;

    List<List<Integer>> read = streams(B, T, ranks, 0, Long.MAX_VALUE);

    for (int b = 0; b < B; b++) {
      int first = (int) ((long) b * TOKENS / B);
      assertThat(read.get(b)).hasSize(length - 1).startsWith(first).endsWith(first + length - 2);
      for (int i = 1; i < length - 1; i++) {
        assertThat(read.get(b).get(i)).isEqualTo(first + i);
      }
    }
    assertThat(dataset.streams(Split.TRAIN, B, Truncation.every(T), 0, ranks).predictions())
        .isEqualTo((long) B * (length - 1));
  }

  @Test
  void readingAsItGoesGivesTheSame() {
    assertThat(dataset.streams(Split.TRAIN, 5, Truncation.every(30), 0, 1, 0).isInMemory())
        .isFalse();
    assertThat(dataset.streams(Split.TRAIN, 5, Truncation.every(30), 0, 1).isInMemory()).isTrue();
    assertThat(streams(5, 30, 2, 0, 0)).isEqualTo(streams(5, 30, 1, 0, Long.MAX_VALUE));
  }

  @Test
  void aRunGoesOnFromAnyStep() {
    var whole = streams(4, 50, 1, 0, Long.MAX_VALUE);

    var rest = streams(4, 50, 2, 13, 0);

    for (int b = 0; b < 4; b++) {
      assertThat(rest.get(b)).isEqualTo(whole.get(b).subList(13 * 50, whole.get(b).size()));
    }
  }

  @Test
  void variedCutsAreAFunctionOfSeedEpochAndStep() {
    Truncation varied = new Truncation(35, true, 7);
    List<Integer> first = lengths(varied, 0, 0);
    List<Integer> second = lengths(varied, 1, 0);

    assertThat(lengths(varied, 0, 0)).isEqualTo(first);
    assertThat(lengths(new Truncation(35, true, 8), 0, 0)).isNotEqualTo(first);
    assertThat(second).isNotEqualTo(first).containsExactlyInAnyOrderElementsOf(first);
    assertThat(lengths(varied, 1, 11)).isEqualTo(second.subList(11, second.size()));
    assertThat(first).allMatch(T -> T >= 1 && T <= varied.longest());
    assertThat(first.stream().mapToInt(T -> T).sum()).isEqualTo(TOKENS / 4 - 1);
    // drawn around 35, few around 17.5
    assertThat(first.stream().mapToInt(T -> T).average().orElse(0)).isBetween(31.0, 37.0);
    assertThat(first.stream().filter(T -> T < 25).count()).isBetween(1L, 12L);
  }

  private static List<Integer> lengths(Truncation truncation, int epoch, long fromStep) {
    var lengths = new ArrayList<Integer>();
    dataset
        .streams(Split.TRAIN, 4, truncation, 1, 3)
        .epoch(epoch, fromStep)
        .forEachRemaining(batch -> lengths.add(batch.timeSteps()));
    return lengths;
  }

  @Test
  void variedCutsLoseNoToken() {
    var varied = new Truncation(20, true, 3);

    assertThat(streams(6, varied, 4, 2, 0, 0)).isEqualTo(streams(6, 20, 1, 0, Long.MAX_VALUE));
  }

  @Test
  void moreStreamsThanTokensForThemAreRefused() {
    assertThat(dataset.streams(Split.TRAIN, TOKENS / 2, Truncation.every(3), 0, 1).steps())
        .isEqualTo(1);
    assertThatThrownBy(() -> dataset.streams(Split.TRAIN, 6000, Truncation.every(3), 0, 1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "The train split of %s has 10007 tokens: 6000 streams get 1 each, and a stream needs at least 2. Read it as at most 5003 streams, or give more text."
                .formatted(dataset.uri()));
  }
}
