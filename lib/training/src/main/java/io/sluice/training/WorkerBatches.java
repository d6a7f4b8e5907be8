package io.sluice.training;

import io.sluice.recurrent.NativeThreads;
import io.sluice.scoring.bundle.BatchArrays;
import io.sluice.sequences.dataset.WindowBatch;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.broadcast.Broadcast;
import org.deeplearning4j.core.loader.DataSetLoader;
import org.nd4j.common.loader.Source;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A worker's slices of global batches, for dl4j-spark: the "path" it is given names epoch, step and
 * worker, and no file.
 *
 * <p>A worker keeps its place in the epoch's order from one average to the next, so an epoch is
 * read once, in bounded memory. Where the place is lost (the task ran elsewhere, or runs again), it
 * is found by reading from the start of the epoch: the order depends on nothing else.
 */
final class WorkerBatches implements DataSetLoader {
  private static final long serialVersionUID = 1L;

  /** Places of the workers that run in this process. */
  private static final Map<String, Place> PLACES = new ConcurrentHashMap<>();

  private final Broadcast<WorkerPlan> broadcast;

  WorkerBatches(Broadcast<WorkerPlan> broadcast) {
    this.broadcast = broadcast;
  }

  /** The slice of one worker of one step (both from 0) of one epoch. */
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
      NativeThreads.set(plan.threads());
      place = new Place(plan, address.epoch());
    }
    DataSet slice = place.slice(address);
    if (address.step() + 1 < plan.plan().stepsPerEpoch()) {
      PLACES.put(key, place);
    }
    return slice;
  }

  /** A position in an epoch's order. */
  private static final class Place {
    private final WorkerPlan plan;
    private final int epoch;
    private final BatchArrays arrays;
    private final Iterator<WindowBatch> batches;
    private int index = -1;

    Place(WorkerPlan plan, int epoch) {
      this.plan = plan;
      this.epoch = epoch;
      Windows windows = plan.windows();
      this.arrays = new BatchArrays(windows.contract(), plan.spec());
      this.batches = windows.shuffled(plan.plan().batchSize(), plan.seed(), epoch);
    }

    boolean comesBefore(Address address) {
      return epoch == address.epoch() && index < plan.plan().batchOf(address.step());
    }

    DataSet slice(Address address) {
      int wanted = plan.plan().batchOf(address.step());
      WindowBatch batch;
      do {
        batch = batches.next();
      } while (++index < wanted);
      int workers = plan.plan().workers();
      int from = StepPlan.sliceStart(batch.size(), address.worker(), workers);
      int to = StepPlan.sliceStart(batch.size(), address.worker() + 1, workers);
      // dropout draws from this thread's generator; the caller fits on the slice next
      long position = (long) address.epoch() * plan.plan().stepsPerEpoch() + address.step();
      Nd4j.getRandom().setSeed(EpochSeed.of(plan.seed(), position * workers + address.worker()));
      DataSet whole = arrays.dataSet(batch);
      INDArray mask = whole.getLabelsMaskArray();
      return new DataSet(
          rows(whole.getFeatures(), from, to),
          rows(whole.getLabels(), from, to),
          null,
          mask == null ? null : rows(mask, from, to));
    }

    /** Rows [from, to) of the first dimension, copied, a time step still one block. */
    private static INDArray rows(INDArray array, int from, int to) {
      var index = new INDArrayIndex[array.rank()];
      java.util.Arrays.fill(index, NDArrayIndex.all());
      index[0] = NDArrayIndex.interval(from, to);
      return array.get(index).dup(array.rank() == 3 ? 'f' : 'c');
    }
  }
}
