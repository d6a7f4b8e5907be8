package io.sluice.training.averaging;

import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.FlatFloats;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.Replicas;
import io.sluice.recurrent.optim.TrainingStep;
import java.io.Serializable;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.DoubleAccumulator;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.api.RDDTrainingApproach;
import org.deeplearning4j.spark.api.Repartition;
import org.deeplearning4j.spark.api.WorkerConfiguration;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingMaster;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingResult;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingWorker;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.schedule.ISchedule;

/**
 * dl4j-spark's training master, with three of its ways changed and the gradient's norm reported.
 *
 * <p>It lets go of the broadcast that carries parameters to the workers, which dl4j-spark leaves
 * behind in every executor once an average. And each worker builds its network from its
 * description: dl4j-spark's clone of a configuration shares what is inside a wrapper layer ({@code
 * LastTimeStep}), so two workers in one process overwrite each other's dropout masks.
 *
 * <p>A worker takes the {@link TrainingStep} that {@code local} takes, on its part of the batch, so
 * threads and micro-batches mean the same in both. What it gives to the mean over the workers is
 * multiplied by its windows over those of the average worker: the mean over the workers becomes one
 * over windows, whose parts of a batch are not always of one size.
 *
 * <p>Each worker adds the norm of its last step's gradient to an accumulator: a result of
 * dl4j-spark's has no place for it.
 */
final class AveragingMaster extends ParameterAveragingTrainingMaster {
  private final Broadcast<WorkerPlan> plan;
  private final ISchedule learningRate;
  private final int frequency;
  private Broadcast<NetworkState> sent;
  private DoubleAccumulator norms;
  private int first;
  private int count;

  /**
   * @param learningRate of the workers, by step
   */
  AveragingMaster(Broadcast<WorkerPlan> plan, ISchedule learningRate, int frequency) {
    super(builder(plan.value().workers(), frequency));
    this.plan = plan;
    this.learningRate = learningRate;
    this.frequency = frequency;
  }

  private static Builder builder(int workers, int frequency) {
    return new Builder(workers, WorkerBatches.Part.COUNTED_AS)
        .batchSizePerWorker(WorkerBatches.Part.COUNTED_AS)
        .averagingFrequency(frequency)
        .saveUpdater(true)
        .workerPrefetchNumBatches(0)
        .repartionData(Repartition.Never)
        .rddTrainingApproach(RDDTrainingApproach.Direct)
        .storageLevelStreams(null);
  }

  /**
   * @param parameters (P)
   * @param optimizer (S), empty for plain gradient descent
   * @param step steps finished
   * @param learningRate by step
   * @param weights by worker, what it counts in the mean over the workers
   */
  private record NetworkState(
      float[] parameters, float[] optimizer, int step, ISchedule learningRate, double[] weights)
      implements Serializable {}

  /** The next average is over steps [first, first + count) of an epoch. */
  void nextSteps(int first, int count) {
    this.first = first;
    this.count = count;
  }

  @Override
  public ParameterAveragingTrainingWorker getWorkerInstance(SparkDl4jMultiLayer averaging) {
    MultiLayerNetwork network = averaging.getNetwork();
    sent =
        averaging
            .getSparkContext()
            .broadcast(
                new NetworkState(
                    FlatFloats.of(network.params()),
                    FlatFloats.of(network.getUpdater().getStateViewArray()),
                    network.getIterationCount(),
                    learningRate,
                    IntStream.range(0, plan.value().workers())
                        .mapToDouble(worker -> plan.value().weight(worker, first, count))
                        .toArray()));
    int batch = WorkerBatches.Part.COUNTED_AS;
    var configuration = new WorkerConfiguration(false, batch, batch, frequency, 0, false);
    norms = averaging.getSparkContext().sc().doubleAccumulator("gradient norm");
    return new Worker(plan, sent, norms, configuration);
  }

  /**
   * The mean over the workers of the gradient norm at their last step before the last average, each
   * before clipping; empty before the first.
   */
  OptionalDouble gradientNorm() {
    return norms == null || norms.isZero()
        ? OptionalDouble.empty()
        : OptionalDouble.of(norms.avg());
  }

  /** Frees what the workers of the last average were sent. */
  void release() {
    if (sent != null) {
      sent.destroy();
      sent = null;
    }
  }

  private static final class Worker extends ParameterAveragingTrainingWorker {
    private static final long serialVersionUID = 1L;

    private final Broadcast<WorkerPlan> plan;
    private final Broadcast<NetworkState> sent;
    private final DoubleAccumulator norms;
    private transient Replicas replicas;
    private transient TrainingStep step;
    private transient double weight;

    Worker(
        Broadcast<WorkerPlan> plan,
        Broadcast<NetworkState> sent,
        DoubleAccumulator norms,
        WorkerConfiguration configuration) {
      super(null, true, configuration, null, null, null);
      this.plan = plan;
      this.sent = sent;
      this.norms = norms;
    }

    @Override
    public MultiLayerNetwork getInitialModel() {
      NetworkState state = sent.value();
      MultiLayerNetwork network = plan.value().network(state.parameters());
      if (state.optimizer().length > 0) {
        FlatFloats.put(state.optimizer(), network.getUpdater().getStateViewArray());
      }
      network.getLayerWiseConfigurations().setIterationCount(state.step());
      GlobalNormClipping.setLearningRate(network, state.learningRate());
      return network;
    }

    /** The step that {@code local} takes, in place of {@code fit}. */
    @Override
    public ParameterAveragingTrainingResult processMinibatch(
        DataSet dataSet, MultiLayerNetwork network, boolean isLast) {
      var part = (WorkerBatches.Part) dataSet;
      weight = sent.value().weights()[part.worker()];
      if (replicas == null) {
        replicas = new Replicas(network, plan.value().run().threads());
        step = new TrainingStep(replicas, plan.value().run().cut(), null);
      }
      boolean goesOn = false;
      try {
        step(network, part.batch());
        goesOn = !isLast;
      } finally {
        if (!goesOn) {
          replicas.close();
        }
      }
      return isLast ? getFinalResult(network) : null;
    }

    private void step(MultiLayerNetwork network, Batch batch) {
      if (batch.size() > 0) {
        step.run(batch);
      } else {
        network.getLayerWiseConfigurations().setIterationCount(network.getIterationCount() + 1);
      }
    }

    @Override
    public ParameterAveragingTrainingResult getFinalResult(MultiLayerNetwork network) {
      GlobalNormClipping.lastNorm(network).ifPresent(norms::add);
      INDArray optimizer = network.getUpdater().getStateViewArray();
      return new ParameterAveragingTrainingResult(
          network.params().mul(weight),
          optimizer == null ? null : optimizer.mul(weight),
          weight == 0 ? 0 : network.score() * weight,
          null,
          null,
          null);
    }
  }
}
