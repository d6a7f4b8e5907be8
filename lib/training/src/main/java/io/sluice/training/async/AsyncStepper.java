package io.sluice.training.async;

import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.training.checkpoint.Checkpoint.Position;
import io.sluice.training.loop.DistributedValidation;
import io.sluice.training.loop.ExampleSet;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.StepTime;
import io.sluice.training.loop.Stepper;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.schedule.ISchedule;

/** All steps of an epoch at once, by workers that wait for nobody. */
public final class AsyncStepper implements Stepper {
  private final JavaSparkContext spark;
  private final RunPlan plan;
  private final BooleanSupplier stopAsked;
  private final MultiLayerNetwork network;
  private final Broadcast<RunPlan> broadcast;
  private final JavaRDD<Integer> workers;
  private final AsyncGradientSharing sharing;

  /**
   * @param workers tasks that share each batch
   * @param stopAsked whether the run is asked to stop
   */
  public AsyncStepper(
      JavaSparkContext spark,
      RunPlan plan,
      int workers,
      AsyncSettings settings,
      BooleanSupplier stopAsked) {
    this.spark = spark;
    this.plan = plan;
    this.stopAsked = stopAsked;
    this.network = plan.network();
    List<Integer> numbers = IntStream.range(0, workers).boxed().toList();
    this.workers = spark.parallelize(numbers, workers);
    Broadcast<RunPlan> shared = spark.broadcast(plan);
    this.broadcast = shared;
    this.sharing =
        AsyncGradientSharing.open(
            spark, network, workers, () -> shared.value().network(), settings);
  }

  @Override
  public MultiLayerNetwork network() {
    return network;
  }

  @Override
  public Steps steps(Position from, ISchedule learningRate) {
    int count = plan.steps().stepsPerEpoch() - from.stepOfEpoch();
    return new Steps() {
      private boolean done = count == 0;

      @Override
      public boolean hasNext() {
        return !done;
      }

      @Override
      public Taken next() {
        if (done) {
          throw new NoSuchElementException("no more steps in this epoch");
        }
        done = true;
        return take(from, count, learningRate);
      }

      @Override
      public void close() {}
    };
  }

  private Taken take(Position from, int count, ISchedule learningRate) {
    Broadcast<RunPlan> shared = broadcast;
    int ranks = workers.getNumPartitions();
    AsyncGradientSharing.Epoch epoch =
        sharing.train(
            from.epoch(),
            (number, worker) -> new Share(shared.value(), number, worker, ranks),
            learningRate);
    network.getLayerWiseConfigurations().setIterationCount(Math.toIntExact(from.step() + count));
    return new Taken(
        count,
        plan.steps().windows(),
        epoch.loss(),
        OptionalDouble.empty(),
        StepTime.NONE,
        stopAsked.getAsBoolean());
  }

  /** A worker's parts of an epoch's batches; those without an example are passed over. */
  private static final class Share implements Iterator<DataSet> {
    private final ExampleSet.Shards shards;
    private final ExampleSet.Batches batches;
    private DataSet next;

    Share(RunPlan plan, int epoch, int worker, int workers) {
      this.shards =
          plan.examples()
              .shards(
                  plan.dealing(), worker, workers, SequenceDataset.defaultMemoryBytes() / workers);
      this.batches = shards.epoch(epoch, 0);
    }

    @Override
    public boolean hasNext() {
      while (next == null && batches.hasNext()) {
        next = batches.next().data();
      }
      if (next == null) {
        shards.close();
      }
      return next != null;
    }

    @Override
    public DataSet next() {
      if (!hasNext()) {
        throw new NoSuchElementException("no more batches in this epoch");
      }
      DataSet batch = next;
      next = null;
      return batch;
    }
  }

  @Override
  public double validationLoss() {
    return DistributedValidation.loss(spark, broadcast, workers, network);
  }

  /** Workers differ by what is on its way, which is what asynchronous means. */
  @Override
  public void requireAgreement(long step) {}

  @Override
  public void close() {
    sharing.close();
    broadcast.destroy();
  }
}
