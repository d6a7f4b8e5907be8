package io.sluice.training.loop;

import io.sluice.recurrent.model.ModelSpec;
import io.sluice.scoring.bundle.BatchArrays;
import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import java.util.Arrays;

/** Windows of series as examples: (B, I, T) inputs with the targets that the network predicts. */
final class WindowExamples implements ExampleSet {
  private final Windows windows;
  private final BatchArrays arrays;

  WindowExamples(Windows windows, ModelSpec spec) {
    this.windows = windows;
    this.arrays = new BatchArrays(windows.contract(), spec);
  }

  @Override
  public Shards shards(Dealing dealing, int rank, int ranks, long memoryBytes) {
    Windows.Shards shards = windows.shards(dealing, rank, ranks, memoryBytes);
    return new Shards() {
      @Override
      public Batches epoch(int epoch, long fromStep) {
        return batches(shards.epoch(epoch, fromStep));
      }

      @Override
      public void close() {
        shards.close();
      }
    };
  }

  @Override
  public Batches inOrder(Split split, int batchSize, int rank, int ranks) {
    return batches(windows.inOrder(split, batchSize, rank, ranks));
  }

  private Batches batches(Windows.Batches batches) {
    return new Batches() {
      @Override
      public boolean hasNext() {
        return batches.hasNext();
      }

      @Override
      public ExampleBatch next() {
        return examples(batches.next());
      }

      @Override
      public void close() {
        batches.close();
      }
    };
  }

  private ExampleBatch examples(WindowBatch batch) {
    var positions = new long[batch.size()];
    Arrays.setAll(positions, batch::position);
    return new ExampleBatch(
        batch.size() == 0 ? null : arrays.dataSet(batch), positions, batch.globalSize());
  }
}
