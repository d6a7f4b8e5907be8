package io.sluice.training.loop;

import io.sluice.recurrent.model.ModelSpec;
import io.sluice.scoring.bundle.StreamArrays;
import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.StreamBatch;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.dataset.TokenStreams;
import io.sluice.sequences.text.dataset.Truncation;
import java.util.Arrays;
import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;

/**
 * One long text, read at B places at once: an example is one stream's next T tokens with the token
 * after each. B is the batch size; rank r of R has the streams b ≡ r (mod R).
 *
 * <p>What validates is read at as many places, fewer where each would have less than T + 1 tokens
 * ({@link #validationStreams}), whatever the number of ranks.
 *
 * @param uri the dataset's folder
 * @param truncation how many tokens a step takes
 */
public record StreamSource(String uri, Truncation truncation) implements ExampleSource {

  /**
   * Streams that a split is validated on.
   *
   * @param tokens of the split
   * @param streams B of training
   * @param timeSteps T of training
   */
  public static int validationStreams(long tokens, int streams, int timeSteps) {
    return (int) Math.max(1, Math.min(streams, tokens / (timeSteps + 1L)));
  }

  @Override
  public boolean carriesStates() {
    return true;
  }

  @Override
  public ExampleSet examples(Configuration hadoop, ModelSpec spec) {
    TextDataset dataset = TextDataset.open(uri, hadoop);
    return new Streams(dataset, truncation, new StreamArrays(dataset.contract(), spec));
  }

  private record Streams(TextDataset dataset, Truncation truncation, StreamArrays arrays)
      implements ExampleSet {
    @Override
    public boolean carriesStates() {
      return true;
    }

    @Override
    public Shards shards(Dealing dealing, int rank, int ranks, long memoryBytes) {
      TokenStreams streams =
          dataset.streams(Split.TRAIN, dealing.batchSize(), truncation, rank, ranks, memoryBytes);
      return new Shards() {
        @Override
        public Batches epoch(int epoch, long fromStep) {
          return batches(streams.epoch(epoch, fromStep), rank, ranks);
        }

        @Override
        public void close() {
          // nothing stays open between two reads
        }
      };
    }

    @Override
    public Batches inOrder(Split split, int batchSize, int rank, int ranks) {
      int T = truncation.timeSteps();
      int B = validationStreams(dataset.tokens(split), batchSize, T);
      return batches(
          dataset.streams(split, B, Truncation.every(T), rank, ranks).epoch(0, 0), rank, ranks);
    }

    private Batches batches(Iterator<StreamBatch> batches, int rank, int ranks) {
      return new Batches() {
        @Override
        public boolean hasNext() {
          return batches.hasNext();
        }

        @Override
        public ExampleBatch next() {
          StreamBatch batch = batches.next();
          var positions = new long[batch.size()];
          Arrays.setAll(positions, b -> rank + (long) b * ranks);
          return new ExampleBatch(
              batch.size() == 0 ? null : arrays.dataSet(batch),
              positions,
              batch.globalSize(),
              batch.timeSteps(),
              (double) batch.timeSteps() / truncation.timeSteps());
        }

        @Override
        public void close() {
          // nothing stays open between two reads
        }
      };
    }
  }
}
