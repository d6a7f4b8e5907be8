package io.sluice.training;

import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.training.loop.Windows;
import io.sluice.training.loop.WindowsSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;

/**
 * Windows whose reader lets something happen before it gives a rank its part of a batch. What, is
 * found by name, because a source travels to where it is read.
 */
record DisturbedWindows(WindowsSource whole, String name) implements WindowsSource {
  private static final Map<String, Disturbance> DISTURBANCES = new ConcurrentHashMap<>();

  /** What happens. */
  interface Disturbance {
    /**
     * @param step of the epoch, from 0
     * @param batch what the rank is given next; may be changed
     */
    void before(int rank, int epoch, long step, WindowBatch batch);
  }

  static DisturbedWindows by(String name, WindowsSource whole, Disturbance disturbance) {
    DISTURBANCES.put(name, disturbance);
    return new DisturbedWindows(whole, name);
  }

  /** The same dataset, disturbed. */
  static LearnableWindows of(LearnableWindows dataset, String name, Disturbance disturbance) {
    return new LearnableWindows(
        dataset.manifest(), dataset.uri(), by(name, dataset.source(), disturbance));
  }

  @Override
  public Windows open(Configuration hadoop) {
    Windows windows = whole.open(hadoop);
    Disturbance disturbance = DISTURBANCES.get(name);
    return new Windows() {
      @Override
      public WindowContract contract() {
        return windows.contract();
      }

      @Override
      public long count(Split split) {
        return windows.count(split);
      }

      @Override
      public Shards shards(Dealing dealing, int rank, int ranks, long memoryBytes) {
        Shards shards = windows.shards(dealing, rank, ranks, memoryBytes);
        return new Shards() {
          @Override
          public Batches epoch(int epoch, long fromStep) {
            return disturbed(shards.epoch(epoch, fromStep), rank, epoch, fromStep);
          }

          @Override
          public void close() {
            shards.close();
          }
        };
      }

      private Batches disturbed(Batches batches, int rank, int epoch, long fromStep) {
        return new Batches() {
          private long step = fromStep;

          @Override
          public boolean hasNext() {
            return batches.hasNext();
          }

          @Override
          public WindowBatch next() {
            WindowBatch batch = batches.next();
            disturbance.before(rank, epoch, step++, batch);
            return batch;
          }

          @Override
          public void close() {
            batches.close();
          }
        };
      }

      @Override
      public Batches inOrder(Split split, int batchSize, int rank, int ranks) {
        return windows.inOrder(split, batchSize, rank, ranks);
      }
    };
  }
}
