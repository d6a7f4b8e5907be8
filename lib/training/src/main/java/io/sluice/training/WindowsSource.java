package io.sluice.training;

import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import java.io.Serializable;
import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;

/** Opens windows where they are needed: on the driver, or in a worker on an executor. */
interface WindowsSource extends Serializable {
  Windows open(Configuration hadoop);

  /** The windows of a dataset folder. */
  static WindowsSource dataset(String uri) {
    return new DatasetSource(uri);
  }

  /** A dataset folder. */
  record DatasetSource(String uri) implements WindowsSource {
    @Override
    public Windows open(Configuration hadoop) {
      return new DatasetWindows(SequenceDataset.open(uri, hadoop));
    }
  }

  /** A {@link SequenceDataset} as {@link Windows}. */
  record DatasetWindows(SequenceDataset dataset) implements Windows {
    @Override
    public WindowContract contract() {
      return dataset.contract();
    }

    @Override
    public long count(Split split) {
      SequenceManifest.SplitSummary summary = dataset.manifest().splits().get(split.label());
      return summary == null ? 0 : summary.windows();
    }

    @Override
    public Iterator<WindowBatch> shuffled(int batchSize, long seed, int epoch) {
      return dataset.shuffled(Split.TRAIN, batchSize, seed, epoch);
    }

    @Override
    public Iterator<WindowBatch> inOrder(Split split, int batchSize) {
      return dataset.inOrder(split, batchSize);
    }
  }
}
