package io.sluice.training.async;

import io.sluice.failure.OperationFailedException;
import io.sluice.failure.UserFailure;
import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.layer.KernelMemory;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.spark.SparkEnv;
import org.apache.spark.broadcast.Broadcast;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.solvers.accumulation.EncodedGradientsAccumulator;
import org.deeplearning4j.spark.parameterserver.conf.SharedTrainingConfiguration;
import org.deeplearning4j.spark.parameterserver.iterators.VirtualDataSetIterator;
import org.deeplearning4j.spark.parameterserver.networking.v2.UpdatesConsumer;
import org.deeplearning4j.spark.parameterserver.networking.v2.WiredEncodingHandler;
import org.deeplearning4j.spark.parameterserver.pw.SharedTrainingWrapper;
import org.deeplearning4j.spark.parameterserver.training.SharedTrainingResult;
import org.deeplearning4j.spark.parameterserver.training.SharedTrainingWorker;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.parameterserver.distributed.v2.ModelParameterServer;

/**
 * The trainer of one process: dl4j-spark's {@code SharedTrainingWrapper}, opened by us.
 *
 * <p>It connects with a port and an address of its own, which dl4j-spark takes from the one
 * configuration that all processes share; lets one task after the other train, on one thread, where
 * dl4j-spark lets the first train for all and the others wait for it; and reports what went wrong,
 * where dl4j-spark logs it and returns a result. After a failure it is closed, so that the next
 * attempt finds a process as new.
 *
 * <p>In the driver's own process ({@code local}) the updates need no network, and none is opened.
 */
final class ShareTrainer extends SharedTrainingWrapper {
  /** The one of this process; null before the first task. */
  private static ShareTrainer current;

  /** How many this process has had, so that each has a port of its own. */
  private static int opened;

  private final AsyncRun run;
  private final ExecutorService thread;
  private final Progress progress = new Progress();
  private CountingHandler handler;
  private UdpTransport transport;
  private int epoch = -1;

  private ShareTrainer(AsyncRun run) {
    this.run = run;
    this.thread =
        Executors.newSingleThreadExecutor(
            task -> {
              var trainer = new Thread(task, "async-gradient-sharing");
              trainer.setDaemon(true);
              return trainer;
            });
  }

  /**
   * What a worker did in an epoch.
   *
   * @param result for dl4j-spark
   * @param lossSum of the steps
   * @param steps taken
   * @param sent updates sent to the others
   */
  record Outcome(SharedTrainingResult result, double lossSum, long steps, long sent) {}

  /** Trains on a worker's share, in this process, after those that came before. */
  static Outcome train(
      AsyncRun run,
      EpochStart start,
      Broadcast<SharedTrainingConfiguration> configuration,
      Iterator<DataSet> share)
      throws InterruptedException {
    ShareTrainer trainer = of(run);
    Future<Outcome> training =
        trainer.thread.submit(() -> trainer.onShare(start, configuration, share));
    try {
      return training.get();
    } catch (InterruptedException e) {
      training.cancel(true);
      close(run.id());
      throw e;
    } catch (ExecutionException e) {
      close(run.id());
      throw failure(e.getCause());
    }
  }

  private static synchronized ShareTrainer of(AsyncRun run) {
    if (current != null && !current.run.id().equals(run.id())) {
      close(current.run.id());
    }
    if (current == null) {
      current = new ShareTrainer(run);
    }
    return current;
  }

  /** Ends what this process has of a run; nothing if it has none. */
  static synchronized void close(String runId) {
    if (current != null && current.run.id().equals(runId)) {
      ShareTrainer trainer = current;
      current = null;
      trainer.thread.shutdownNow();
      trainer.disconnect();
    }
  }

  private Outcome onShare(
      EpochStart start,
      Broadcast<SharedTrainingConfiguration> configuration,
      Iterator<DataSet> share)
      throws IOException {
    if (originalModel == null) {
      open();
    }
    var network = (MultiLayerNetwork) originalModel;
    if (epoch != start.epoch()) {
      start.applyTo(network);
      epoch = start.epoch();
    }
    progress.reset();
    long sentBefore = handler.sent();
    attachDS(share);
    SharedTrainingResult result = run(new StandIn(configuration, network));
    if (exceptionEncountered.get()) {
      throw failure(exception);
    }
    return new Outcome(result, progress.lossSum, progress.steps, handler.sent() - sentBefore);
  }

  /** What {@code SharedTrainingWrapper.run} does where it finds no accumulator. */
  private void open() throws IOException {
    NativeThreads.set(1);
    MultiLayerNetwork network = run.networks().create();
    network.addListeners(progress);
    handler = new CountingHandler(run);
    accumulator =
        new EncodedGradientsAccumulator.Builder(1)
            .messageHandler(handler)
            .thresholdAlgorithm(run.thresholds())
            .residualPostProcessor(AsyncRun.residuals())
            .memoryParameters(EncodedGradientsAccumulator.getOptimalBufferSize(network, 1, 2), 2)
            .build();
    if (!ModelParameterServer.getInstance().isInitialized()) {
      connect(network);
    }
    originalModel = network;
  }

  private void connect(MultiLayerNetwork network) throws IOException {
    List<String> missing = AeronOptions.missing();
    if (!missing.isEmpty()) {
      throw new OperationFailedException(
          "Executor %s was started without %s. Add it to spark.executor.extraJavaOptions; the submit scripts do."
              .formatted(SparkEnv.get().executorId(), String.join(" ", missing)));
    }
    Endpoint own = Endpoint.free(host(), run.settings().executorPort(), opened++);
    consumer =
        UpdatesConsumer.builder()
            .numWorkers(1)
            .accumulator(accumulator)
            .params(network.params())
            .build();
    accumulator.setExternalSource(consumer.getUpdatesQueue());
    ModelParameterServer server = ModelParameterServer.getInstance();
    try {
      transport = run.transport(own, network.numParams());
      server.configure(
          run.configuration(own), transport, () -> network.getUpdater().getStateViewArray());
      server.addUpdatesSubscriber(consumer);
      server.launch();
    } catch (RuntimeException e) {
      disconnect();
      throw new OperationFailedException(
          "Executor %s at %s could not join the driver at %s: %s. UDP must pass both ways between them: see train.async.address, port and executor-port."
              .formatted(SparkEnv.get().executorId(), own, run.driver(), rootMessage(e)),
          e);
    }
  }

  /** The name or address under which Spark knows this process. */
  static String host() {
    return SparkEnv.get().blockManager().blockManagerId().host();
  }

  private void disconnect() {
    if (originalModel != null) {
      KernelMemory.free((MultiLayerNetwork) originalModel);
    }
    if (transport != null) {
      ParameterServers.shutDown(transport);
      transport = null;
    }
  }

  private static RuntimeException failure(Throwable cause) {
    for (Throwable t = cause; t != null; t = t.getCause()) {
      if (t instanceof UserFailure known) {
        return known;
      }
    }
    return cause instanceof RuntimeException e ? e : new IllegalStateException(cause);
  }

  private static String rootMessage(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root.getMessage();
  }

  /** Batches come from the trainer's own thread: loaders may count on the thread that fits. */
  @Override
  protected void init() {
    super.init();
    iteratorDS =
        new VirtualDataSetIterator(iteratorsDS) {
          @Override
          public boolean asyncSupported() {
            return false;
          }
        };
  }

  /** Takes the counters that dl4j-spark sets, in place of the network, which has its own. */
  private static final class StandIn extends SharedTrainingWorker {
    private static final long serialVersionUID = 1L;

    private final transient MultiLayerNetwork network;

    StandIn(Broadcast<SharedTrainingConfiguration> configuration, MultiLayerNetwork network) {
      super(0, null, configuration, null, null, null, null);
      this.network = network;
    }

    @Override
    public MultiLayerNetwork getInitialModel() {
      return new MultiLayerNetwork(network.getLayerWiseConfigurations().clone());
    }
  }

  private static final class CountingHandler extends WiredEncodingHandler {
    CountingHandler(AsyncRun run) {
      super(run.thresholds(), AsyncRun.residuals(), null, false);
    }

    long sent() {
      return updatesCounter.get();
    }
  }

  private static final class Progress extends BaseTrainingListener {
    private double lossSum;
    private long steps;

    void reset() {
      lossSum = 0;
      steps = 0;
    }

    @Override
    public void iterationDone(Model model, int iteration, int epoch) {
      lossSum += model.score();
      steps++;
    }
  }
}
