package io.sluice.training;

import io.sluice.recurrent.NativeThreads;
import io.sluice.scoring.bundle.BatchArrays;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.WindowBatch;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.broadcast.Broadcast;
import org.deeplearning4j.core.loader.DataSetLoader;
import org.nd4j.common.loader.Source;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A worker's shares of the global batches, for dl4j-spark: the "path" it is given names epoch, step
 * and worker, and no file.
 *
 * <p>A worker keeps its place in the epoch's order from one average to the next, so an epoch is
 * read once, in bounded memory. Where the place is lost (the task ran elsewhere, or runs again), it
 * is found again: the order depends on nothing else.
 */
final class WorkerBatches implements DataSetLoader {
  private static final long serialVersionUID = 1L;

  /** Places of the workers that run in this process. */
  private static final Map<String, Place> PLACES = new ConcurrentHashMap<>();

  private final Broadcast<WorkerPlan> broadcast;

  WorkerBatches(Broadcast<WorkerPlan> broadcast) {
    this.broadcast = broadcast;
  }

  /** The share of one worker of one step (both from 0) of one epoch. */
  record Address(int epoch, int step, int worker) {
    String text() {
      return "epoch-%d-step-%d-worker-%d".formatted(epoch, step, worker);
    }

    static Address of(String text) {
      String[] part = text.split("-");
      return new Address(
          Integer.parseInt(part[1]), Integer.parseInt(part[3]), Integer.parseInt(part[5]));
    }
  }

  @Override
  public DataSet load(Source source) {
    WorkerPlan plan = broadcast.value();
    Address address = Address.of(source.getPath());
    String key = plan.runId() + "/" + address.worker();
    // whoever works takes the place with it, so a second attempt of a task cannot share it
    Place place = PLACES.remove(key);
    if (place == null || !place.comesBefore(address)) {
      if (place != null) {
        place.close();
      }
      NativeThreads.set(1);
      place = new Place(plan, address);
    }
    DataSet data = place.next(address);
    if (address.step() + 1 < plan.plan().stepsPerEpoch()) {
      PLACES.put(key, place);
    } else {
      place.close();
    }
    return data;
  }

  /** A position in an epoch's order. */
  private static final class Place {
    private final WorkerPlan plan;
    private final int epoch;
    private final BatchArrays arrays;
    private final Windows.Shards shards;
    private final Windows.Batches batches;
    private int step;

    Place(WorkerPlan plan, Address address) {
      this.plan = plan;
      this.epoch = address.epoch();
      Windows windows = plan.windows();
      StepPlan steps = plan.plan();
      this.arrays = new BatchArrays(windows.contract(), plan.spec());
      this.step = address.step();
      this.shards =
          windows.shards(
              steps.dealing(plan.seed()),
              address.worker(),
              steps.workers(),
              SequenceDataset.defaultMemoryBytes() / steps.workers());
      this.batches = shards.epoch(epoch, step);
    }

    void close() {
      batches.close();
      shards.close();
    }

    boolean comesBefore(Address address) {
      return epoch == address.epoch() && step <= address.step();
    }

    DataSet next(Address address) {
      for (; step < address.step(); step++) {
        batches.next();
      }
      WindowBatch batch = batches.next();
      step++;
      // dropout draws from this thread's generator; the caller fits on the batch next
      StepPlan steps = plan.plan();
      long position = (long) epoch * steps.stepsPerEpoch() + address.step();
      Nd4j.getRandom()
          .setSeed(DropoutSeed.of(plan.seed(), position * steps.workers() + address.worker()));
      return arrays.dataSet(batch);
    }
  }
}
