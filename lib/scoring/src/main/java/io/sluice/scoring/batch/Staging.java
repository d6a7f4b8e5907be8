package io.sluice.scoring.batch;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;

import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.lake.Lake;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Writes scored windows into a staging folder, as {@code date=…/part-….parquet}.
 *
 * <p>Windows, not rows, are shuffled to their date and sorted by series and origin: a window is a
 * few hundred bytes, its H·K rows are many times that. A date's rows thus lie together, in one file
 * unless there is more of them than a task should hold, and in an order that does not depend on the
 * number of tasks.
 */
final class Staging {
  private static final String ATTEMPTS = "_attempts";

  private final SparkSession spark;
  private final Path folder;
  private final WindowContract contract;
  private final RunColumns run;
  private final String codec;

  Staging(SparkSession spark, Path folder, WindowContract contract, RunColumns run, String codec) {
    this.spark = spark;
    this.folder = folder;
    this.contract = contract;
    this.run = run;
    this.codec = codec;
  }

  /**
   * What was written.
   *
   * @param windows one forecast origin of one series each
   * @param rows of the table
   * @param series with a window
   * @param predictedClasses windows by predicted class; none where numbers are predicted
   * @param firstOrigin ticks; meaningless without a window
   * @param lastOrigin likewise
   */
  record Staged(
      long windows,
      long rows,
      Set<String> series,
      Map<String, Long> predictedClasses,
      long firstOrigin,
      long lastOrigin) {}

  /** Writes every window. */
  Staged write(Dataset<ScoredWindow> windows) throws IOException {
    Configuration hadoop = spark.sessionState().newHadoopConf();
    var attempts = new Path(folder, ATTEMPTS);
    Broadcast<SerializableConfiguration> broadcast =
        JavaSparkContext.fromSparkContext(spark.sparkContext())
            .broadcast(new SerializableConfiguration(hadoop));
    try {
      var task = new StagingTask(attempts.toString(), codec, contract, run, broadcast);
      List<StagingTask.Result> results =
          arranged(windows).queryExecution().toRdd().toJavaRDD().mapPartitions(task).collect();
      takeOver(results, attempts, folder.getFileSystem(hadoop));
      return summary(results);
    } finally {
      broadcast.destroy();
      Lake.of(hadoop).deleteQuietly(attempts.toString());
    }
  }

  private Dataset<Row> arranged(Dataset<ScoredWindow> windows) {
    TimeAxis.Type time = contract.time().type();
    Column[] columns = StagingTask.COLUMNS.stream().map(functions::col).toArray(Column[]::new);
    return windows
        .withColumn("number", expr(PredictionsSchema.partitionNumberSql(time, "originTicks")))
        .hint("rebalance", col("number").expr()) // the hint knows expressions only
        .sortWithinPartitions("number", "series", "originTicks")
        .select(columns);
  }

  private void takeOver(List<StagingTask.Result> results, Path attempts, FileSystem fs)
      throws IOException {
    for (StagingTask.Result result : results) {
      for (StagingTask.File file : result.files) {
        var partition = new Path(folder, file.partition);
        fs.mkdirs(partition);
        var from = new Path(attempts, file.attempt);
        if (!fs.rename(from, new Path(partition, file.name))) {
          throw new IOException("the file system refused to rename %s".formatted(from));
        }
      }
    }
  }

  private Staged summary(List<StagingTask.Result> results) {
    long windows = 0;
    long first = Long.MAX_VALUE;
    long last = Long.MIN_VALUE;
    var series = new TreeSet<String>();
    var classes = new TreeMap<String, Long>();
    for (StagingTask.Result result : results) {
      windows += result.windows;
      first = Math.min(first, result.firstOrigin);
      last = Math.max(last, result.lastOrigin);
      series.addAll(result.series);
      result.predictedClasses.forEach((name, count) -> classes.merge(name, count, Long::sum));
    }
    return new Staged(windows, windows * contract.targetSize(), series, classes, first, last);
  }
}
