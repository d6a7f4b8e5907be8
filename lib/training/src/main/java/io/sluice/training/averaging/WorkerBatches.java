package io.sluice.training.averaging;

import io.sluice.recurrent.optim.Batch;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.training.loop.ExampleSet;
import io.sluice.training.loop.RunPlan;
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

  /**
   * A worker's part of a batch, as dl4j-spark's iterator carries it: that joins and cuts data sets
   * until each has one size, which parts have not; each is said to have one example, and one is
   * what it wants.
   */
  static final class Part extends DataSet {
    static final int COUNTED_AS = 1;

    private static final long serialVersionUID = 1L;

    private final int worker;
    private final transient Batch batch;

    Part(int worker, Batch batch) {
      super(Nd4j.scalar(0f).reshape(1, 1), Nd4j.scalar(0f).reshape(1, 1));
      this.worker = worker;
      this.batch = batch;
    }

    int worker() {
      return worker;
    }

    Batch batch() {
      return batch;
    }

    @Override
    public int numExamples() {
      return COUNTED_AS;
    }
  }

  /** Closes what the workers of a run have open in this process. */
  static void leave(String runId) {
    for (String key : PLACES.keySet()) {
      if (key.startsWith(runId + "/")) {
        Place place = PLACES.remove(key);
        if (place != null) {
          place.close();
        }
      }
    }
  }

  @Override
  public DataSet load(Source source) {
    WorkerPlan plan = broadcast.value();
    Address address = Address.of(source.getPath());
    String key = plan.run().runId() + "/" + address.worker();
    // whoever works takes the place with it, so a second attempt of a task cannot share it
    Place place = PLACES.remove(key);
    if (place == null || !place.comesBefore(address)) {
      if (place != null) {
        place.close();
      }
      place = new Place(plan, address);
    }
    Batch batch = place.next(address);
    if (address.step() + 1 < plan.run().steps().stepsPerEpoch()) {
      PLACES.put(key, place);
    } else {
      place.close();
    }
    return new Part(address.worker(), batch);
  }

  /** A position in an epoch's order. */
  private static final class Place {
    private final int epoch;
    private final long seed;
    private final ExampleSet.Shards shards;
    private final ExampleSet.Batches batches;
    private int step;

    Place(WorkerPlan plan, Address address) {
      RunPlan run = plan.run();
      this.epoch = address.epoch();
      this.seed = run.seed();
      this.step = address.step();
      this.shards =
          run.examples()
              .shards(
                  run.dealing(),
                  address.worker(),
                  plan.workers(),
                  SequenceDataset.defaultMemoryBytes() / plan.workers());
      this.batches = shards.epoch(epoch, step);
    }

    void close() {
      batches.close();
      shards.close();
    }

    boolean comesBefore(Address address) {
      return epoch == address.epoch() && step <= address.step();
    }

    Batch next(Address address) {
      for (; step < address.step(); step++) {
        batches.next();
      }
      step++;
      return batches.next().keyed(seed, epoch);
    }
  }
}
