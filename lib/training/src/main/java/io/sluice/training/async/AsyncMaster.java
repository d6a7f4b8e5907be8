package io.sluice.training.async;

import java.io.Serializable;
import java.util.Iterator;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.DoubleAccumulator;
import org.apache.spark.util.LongAccumulator;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.api.RDDTrainingApproach;
import org.deeplearning4j.spark.api.Repartition;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.deeplearning4j.spark.parameterserver.conf.SharedTrainingConfiguration;
import org.deeplearning4j.spark.parameterserver.networking.v2.UpdatesConsumer;
import org.deeplearning4j.spark.parameterserver.training.SharedTrainingMaster;
import org.deeplearning4j.spark.parameterserver.training.SharedTrainingResult;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.parameterserver.distributed.v2.ModelParameterServer;
import org.nd4j.parameterserver.distributed.v2.util.AbstractUpdatesHandler;

/**
 * dl4j-spark's {@code SharedTrainingMaster} with the two ends of its network replaced: the driver's
 * here, the executors' in {@link ShareTrainer}. Encoding, the parameter server and the averaging of
 * optimizer states are dl4j-spark's.
 *
 * <p>The driver's network follows every update of every worker, applied in place by a thread of the
 * parameter server; it is the result.
 */
final class AsyncMaster extends SharedTrainingMaster {
  private final transient JavaSparkContext spark;
  private final transient AsyncRun run;
  private final transient SparkDl4jMultiLayer target;
  private final transient Applied applied = new Applied();
  private transient UdpTransport udp;

  AsyncMaster(JavaSparkContext spark, AsyncRun run, MultiLayerNetwork network, int workers) {
    super(
        run.configuration(run.driver()),
        workers,
        RDDTrainingApproach.Direct,
        null,
        false,
        null,
        Repartition.Never,
        run.thresholds(),
        AsyncRun.residuals(),
        1,
        1,
        0,
        1,
        0,
        null,
        null,
        null,
        false);
    this.spark = spark;
    this.run = run;
    this.target = new SparkDl4jMultiLayer(spark, network, this);
  }

  /** Opens the driver's port; workers may join from now on. */
  void start() {
    MultiLayerNetwork network = target.getNetwork();
    INDArray parameters = network.params();
    updatesConsumer =
        UpdatesConsumer.builder()
            .params(parameters)
            .updates(Nd4j.create(parameters.shape(), parameters.ordering()))
            .stepFunction(network.getOptimizer().getStepFunction())
            .build();
    ModelParameterServer server = ModelParameterServer.getInstance();
    udp = run.transport(run.driver(), network.numParams());
    try {
      server.configure(voidConfiguration, udp, true);
      server.addUpdatesSubscriber(updatesConsumer);
      server.addUpdatesSubscriber(applied); // after the one that applies them
      server.launch();
    } catch (RuntimeException e) {
      stop();
      throw e;
    }
    setupDone = true;
  }

  void stop() {
    ParameterServers.shutDown(udp);
  }

  Applied applied() {
    return applied;
  }

  /** Sums over the workers of an epoch. */
  record Sums(DoubleAccumulator loss, LongAccumulator steps, LongAccumulator sent)
      implements Serializable {}

  /** Runs an epoch's Spark job to its end; updates may still be on their way then. */
  Sums train(JavaRDD<Integer> workers, int epoch, Shares shares, ISchedule learningRate) {
    var sums =
        new Sums(
            spark.sc().doubleAccumulator("loss"),
            spark.sc().longAccumulator("steps"),
            spark.sc().longAccumulator("updates sent"));
    Broadcast<EpochStart> start =
        spark.broadcast(EpochStart.of(target.getNetwork(), epoch, learningRate));
    Broadcast<SharedTrainingConfiguration> configuration =
        spark.broadcast(
            SharedTrainingConfiguration.builder()
                .voidConfiguration(voidConfiguration)
                .thresholdAlgorithm(thresholdAlgorithm)
                .residualPostProcessor(residualPostProcessor)
                .numberOfWorkersPerNode(1)
                .build());
    AsyncRun everywhere = run;
    try {
      JavaRDD<SharedTrainingResult> results =
          workers.map(worker -> share(everywhere, start, configuration, shares, worker, sums));
      processResults(target, null, results);
    } finally {
      start.destroy();
      configuration.destroy();
    }
    return sums;
  }

  private static SharedTrainingResult share(
      AsyncRun run,
      Broadcast<EpochStart> start,
      Broadcast<SharedTrainingConfiguration> configuration,
      Shares shares,
      int worker,
      Sums sums)
      throws InterruptedException {
    Iterator<DataSet> share = shares.open(start.value().epoch(), worker);
    ShareTrainer.Outcome outcome = ShareTrainer.train(run, start.value(), configuration, share);
    sums.loss().add(outcome.lossSum());
    sums.steps().add(outcome.steps());
    sums.sent().add(outcome.sent());
    return outcome.result();
  }

  /** Applies the updates that dl4j-spark has gathered: it does so with every 32nd only. */
  void flush() {
    finalizeTraining();
  }

  /** Counts the updates that the driver's network has taken. */
  static final class Applied extends AbstractUpdatesHandler {
    private long count;

    @Override
    public synchronized void onNext(INDArray update) {
      count++;
      notifyAll();
    }

    synchronized long count() {
      return count;
    }

    /** Waits until there are this many, but no longer than this; returns how many there are. */
    synchronized long await(long expected, long timeoutMillis) throws InterruptedException {
      long end = System.currentTimeMillis() + timeoutMillis;
      for (long left = timeoutMillis; count < expected && left > 0; ) {
        wait(left);
        left = end - System.currentTimeMillis();
      }
      return count;
    }

    @Override
    public INDArray getParametersArray() {
      throw new UnsupportedOperationException("the first subscriber has the parameters");
    }
  }
}
