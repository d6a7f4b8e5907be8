package io.sluice.training.loop;

import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.ShardedWindows;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowBatches;
import io.sluice.sequences.dataset.WindowContract;
import org.apache.hadoop.conf.Configuration;

/**
 * The windows of a dataset folder.
 *
 * @param uri the folder
 * @param sequenceTargets whether there is a target at every step
 * @param maxTrainWindows train windows at most, evenly spaced; 0 is all
 */
public record DatasetSource(String uri, boolean sequenceTargets, long maxTrainWindows)
    implements WindowsSource {

  @Override
  public Windows open(Configuration hadoop) {
    SequenceDataset dataset = SequenceDataset.open(uri, hadoop);
    SequenceDataset all = sequenceTargets ? dataset.withSequenceTargets() : dataset;
    return new DatasetWindows(all, all.withAtMost(maxTrainWindows));
  }

  private record DatasetWindows(SequenceDataset all, SequenceDataset train) implements Windows {
    @Override
    public WindowContract contract() {
      return all.contract();
    }

    @Override
    public long count(Split split) {
      return (split == Split.TRAIN ? train : all).windows(split);
    }

    @Override
    public Shards shards(Dealing dealing, int rank, int ranks, long memoryBytes) {
      return new DatasetShards(train.shards(Split.TRAIN, dealing, rank, ranks, memoryBytes));
    }

    @Override
    public Batches inOrder(Split split, int batchSize, int rank, int ranks) {
      return new DatasetBatches(
          (split == Split.TRAIN ? train : all).inOrder(split, batchSize, rank, ranks));
    }
  }

  private record DatasetShards(ShardedWindows shards) implements Windows.Shards {
    @Override
    public Windows.Batches epoch(int epoch, long fromStep) {
      return new DatasetBatches(shards.epoch(epoch, fromStep));
    }

    @Override
    public void close() {
      shards.close();
    }
  }

  private record DatasetBatches(WindowBatches batches) implements Windows.Batches {
    @Override
    public boolean hasNext() {
      return batches.hasNext();
    }

    @Override
    public WindowBatch next() {
      return batches.next();
    }

    @Override
    public void close() {
      batches.close();
    }
  }
}
