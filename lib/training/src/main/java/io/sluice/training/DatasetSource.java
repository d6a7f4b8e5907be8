package io.sluice.training;

import io.sluice.sequences.dataset.SequenceDataset;
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
record DatasetSource(String uri, boolean sequenceTargets, long maxTrainWindows)
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
    public Batches shuffled(int batchSize, long seed, int epoch, int reader, int readers) {
      return new DatasetBatches(
          train.shuffled(Split.TRAIN, batchSize, seed, epoch, reader, readers));
    }

    @Override
    public Batches inOrder(Split split, int batchSize) {
      return new DatasetBatches((split == Split.TRAIN ? train : all).inOrder(split, batchSize));
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
