package io.sluice.benchmarks.recurrent;

import io.sluice.benchmarks.Report;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.api.RDDTrainingApproach;
import org.deeplearning4j.spark.api.Repartition;
import org.deeplearning4j.spark.api.TrainingMaster;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingMaster;
import org.deeplearning4j.spark.parameterserver.training.SharedTrainingMaster;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.parameterserver.distributed.conf.VoidConfiguration;

/**
 * How fast do dl4j-spark's training masters train in {@code local[2]}?
 *
 * <pre>lib/benchmarks/run.sh dl4j-master [--record] [shared | averaging] [ours | stock] [shape]
 * </pre>
 *
 * <p>{@code SharedTrainingMaster}, or {@code ParameterAveragingTrainingMaster} that averages after
 * every step, on a shape of the recurrent benchmark, with our cells or with DL4J's. Two workers,
 * one native thread each, as dl4j-spark has them: two threads of a process, so no network lies
 * between them. Batches are in memory already. Parameter averaging is set up as its documentation
 * does it: it writes the batches to disk once, and reads them from there. The first epoch is not
 * counted.
 *
 * <p>The shared one may not get far. One thread fits the network it was given, under that network's
 * lock, and waits for the other's update; the other, if it starts later, asks the same network for
 * its updater and waits for the lock. An epoch that takes longer than a minute is taken for that,
 * and the epochs before it are reported.
 *
 * <p>Result (2026-11-26, 2 cores of an AMD EPYC), the shared one: 138 to 154 windows/s with our
 * cells, 55 with DL4J's, in the second epoch; the third hung in each of four tries. Averaging with
 * our cells: 393 to 416, and 411 to 491 at the small shape.
 */
public final class MasterBenchmark {
  private static final int PORT = 40123;
  private static final int WORKERS = 2;
  private static final int BATCHES = 8;
  private static final int EPOCHS = 3;
  private static final int PATIENCE_SECONDS = 60;

  /** In this process, which is the executor too. */
  private static DataSet batch;

  private MasterBenchmark() {}

  public static void main(String[] args) throws Exception {
    System.setProperty("aeron.publication.unblock.timeout", "60000000000");
    String name = args.length > 0 ? args[0] : "shared";
    boolean stock = args.length > 1 && args[1].equals("stock");
    int shape = args.length > 2 ? Integer.parseInt(args[2]) : 2;
    Dl4jContestant cells = stock ? new StockContestant(1) : new SluiceContestant(1);
    var workload = new Workload(Shape.numbered(shape), Cell.LSTM, Precision.F32);
    var spark =
        new SparkConf()
            .setMaster("local[" + WORKERS + "]")
            .setAppName("dl4j-master")
            .set("spark.ui.enabled", "false")
            .set("spark.driver.host", "127.0.0.1");

    double[] rates = epochs(new JavaSparkContext(spark), master(name, workload), cells, workload);

    var report =
        new Report(
                "dl4j-master-%s%s".formatted(name, stock ? "-stock" : ""),
                "How fast do dl4j-spark's training masters train in local[2]?")
            .put("master", name)
            .put("shape", workload.shape().toString())
            .put("cells", stock ? "DL4J's" : "ours")
            .put("workers", WORKERS)
            .put("batches an epoch", BATCHES)
            .put("epochs until it hung, or all", rates.length);
    report.put("windows/s", Arrays.stream(rates).map(Report::rounded).boxed().toList());
    report.put("windows/s, best", Report.rounded(Arrays.stream(rates).max().orElse(0)));
    report.finish();
    Runtime.getRuntime().halt(0); // its threads do not end
  }

  private static TrainingMaster<?, ?> master(String name, Workload workload) {
    int windows = workload.shape().batch();
    return switch (name) {
      case "shared" ->
          new SharedTrainingMaster.Builder(
                  VoidConfiguration.builder()
                      .unicastPort(PORT)
                      .controllerAddress("127.0.0.1")
                      .build(),
                  windows)
              .batchSizePerWorker(windows)
              .workersPerNode(WORKERS)
              .rddTrainingApproach(RDDTrainingApproach.Direct)
              .repartitionData(Repartition.Never)
              .storageLevel(null)
              .build();
      case "averaging" ->
          new ParameterAveragingTrainingMaster.Builder(WORKERS, windows)
              .batchSizePerWorker(windows)
              .averagingFrequency(1)
              .saveUpdater(true)
              .build();
      default ->
          throw new IllegalArgumentException(name + " is no master; there are shared, averaging");
    };
  }

  /** Windows a second in each epoch but the first. */
  private static double[] epochs(
      JavaSparkContext spark, TrainingMaster<?, ?> master, Dl4jContestant cells, Workload workload)
      throws Exception {
    Shape shape = workload.shape();
    INDArray input =
        Nd4j.create(
            workload.input(),
            new long[] {shape.batch(), shape.timeSteps(), shape.inputSize()},
            'c');
    batch = new DataSet(cells.layOut(input), cells.target(workload.labels()));
    MultiLayerNetwork network = cells.network(workload);
    INDArray before = network.params().dup();
    var training = new SparkDl4jMultiLayer(spark, network, master);
    List<Integer> numbers = IntStream.range(0, BATCHES).boxed().toList();
    JavaRDD<DataSet> batches = spark.parallelize(numbers, WORKERS).map(number -> batch);
    var rates = new ArrayList<Double>();
    for (int epoch = 0; epoch <= EPOCHS && endsInTime(() -> training.fit(batches), rates); ) {
      epoch++;
      System.err.printf("epoch %d: %.1f windows/s%n", epoch, rates.get(rates.size() - 1));
    }
    if (network.params().distance2(before) == 0) {
      throw new IllegalStateException("It has not trained");
    }
    return rates.stream().skip(1).mapToDouble(Double::doubleValue).toArray();
  }

  private static boolean endsInTime(Runnable epoch, List<Double> rates) throws Exception {
    var task = new FutureTask<Void>(epoch, null);
    var thread = new Thread(task, "epoch");
    thread.setDaemon(true);
    long start = System.nanoTime();
    thread.start();
    try {
      task.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      return false;
    }
    rates.add(BATCHES * batch.getFeatures().size(0) / ((System.nanoTime() - start) / 1e9));
    return true;
  }
}
