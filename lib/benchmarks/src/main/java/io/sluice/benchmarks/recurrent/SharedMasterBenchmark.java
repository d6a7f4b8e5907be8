package io.sluice.benchmarks.recurrent;

import io.sluice.benchmarks.Report;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.api.RDDTrainingApproach;
import org.deeplearning4j.spark.api.Repartition;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.deeplearning4j.spark.parameterserver.training.SharedTrainingMaster;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.parameterserver.distributed.conf.VoidConfiguration;

/**
 * How fast does dl4j-spark's {@code SharedTrainingMaster} train in {@code local[2]}?
 *
 * <pre>lib/benchmarks/run.sh shared-master [--record]</pre>
 *
 * <p>B, T, I, H, layers = 64, 100, 100, 128, 2: the second shape of the recurrent benchmark, with
 * our cells and with DL4J's. Two workers, one native thread each, as dl4j-spark has them: two
 * threads of a process, fed by one task: where several feed them, one that comes late may wait for
 * ever. Batches are in memory already, so nothing is read. An epoch of each is not counted.
 */
public final class SharedMasterBenchmark {
  private static final int PORT = 40123;
  private static final int WORKERS = 2;
  private static final int BATCHES = 8;
  private static final int EPOCHS = 3;

  /** In this process, which is the executor too. */
  private static DataSet batch;

  private SharedMasterBenchmark() {}

  public static void main(String[] args) throws Exception {
    System.setProperty("aeron.publication.unblock.timeout", "60000000000");
    var workload = new Workload(Shape.numbered(2), Cell.LSTM, Precision.F32);
    var windowsPerSecond = new LinkedHashMap<String, double[]>();
    var spark =
        new SparkConf()
            .setMaster("local[" + WORKERS + "]")
            .setAppName("shared-master")
            .set("spark.ui.enabled", "false")
            .set("spark.driver.host", "127.0.0.1");
    try (var context = new JavaSparkContext(spark)) {
      windowsPerSecond.put("our cells", epochs(context, new SluiceContestant(1), workload));
      windowsPerSecond.put("DL4J's cells", epochs(context, new StockContestant(1), workload));
    }
    var report =
        new Report("shared-master", "How fast does SharedTrainingMaster train in local[2]?")
            .put("shape", workload.shape().toString())
            .put("workers", WORKERS)
            .put("batches an epoch", BATCHES);
    windowsPerSecond.forEach(
        (cells, rates) ->
            report
                .put(cells + ", windows/s", Arrays.stream(rates).map(Report::rounded).toArray())
                .put(cells + ", windows/s, median", Report.rounded(median(rates))));
    report.finish();
    System.exit(0); // its polling thread never ends
  }

  /** Windows a second in each epoch but the first. */
  private static double[] epochs(JavaSparkContext spark, Dl4jContestant cells, Workload workload)
      throws Contestant.CannotDo {
    Shape shape = workload.shape();
    INDArray input =
        Nd4j.create(
            workload.input(),
            new long[] {shape.batch(), shape.timeSteps(), shape.inputSize()},
            'c');
    batch = new DataSet(cells.layOut(input), cells.target(workload.labels()));
    MultiLayerNetwork network = cells.network(workload);
    INDArray before = network.params().dup();
    var configuration =
        VoidConfiguration.builder().unicastPort(PORT).controllerAddress("127.0.0.1").build();
    var master =
        new SharedTrainingMaster.Builder(configuration, shape.batch())
            .batchSizePerWorker(shape.batch())
            .workersPerNode(WORKERS)
            .rddTrainingApproach(RDDTrainingApproach.Direct)
            .repartitionData(Repartition.Never)
            .storageLevel(null)
            .build();
    var training = new SparkDl4jMultiLayer(spark, network, master);
    List<Integer> numbers = IntStream.range(0, BATCHES).boxed().toList();
    JavaRDD<DataSet> batches = spark.parallelize(numbers, 1).map(number -> batch);
    var rates = new ArrayList<Double>();
    for (int epoch = 0; epoch <= EPOCHS; epoch++) {
      long start = System.nanoTime();
      training.fit(batches);
      rates.add(BATCHES * shape.batch() / ((System.nanoTime() - start) / 1e9));
      System.err.printf("%s: %.1f windows/s%n", cells.getClass().getSimpleName(), rates.get(epoch));
    }
    if (network.params().distance2(before) == 0) {
      throw new IllegalStateException("It has not trained");
    }
    return rates.stream().skip(1).mapToDouble(Double::doubleValue).toArray();
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
