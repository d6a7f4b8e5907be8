package io.sluice.scoring.batch;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.not;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;

/**
 * Carries over, into a run's staged partitions, the old rows of those partitions that the run does
 * not replace: the other half of a day that it scored from noon, or the other hours of a day whose
 * newest hour it scored.
 */
final class KeptRows {
  private final SparkSession spark;
  private final PredictionsWrite write;
  private final String codec;

  KeptRows(SparkSession spark, PredictionsWrite write, String codec) {
    this.spark = writingSession(spark);
    this.write = write;
    this.codec = codec;
  }

  /**
   * Adds the kept rows to the staging folder.
   *
   * @return how many
   */
  long carryOver(Coverage coverage) {
    long rows = 0;
    for (String partition : partitionsToMerge(coverage)) {
      if (write.exists(write.current(partition))) {
        rows += carryOver(coverage, partition);
      }
    }
    return rows;
  }

  private Set<String> partitionsToMerge(Coverage coverage) {
    if (coverage instanceof Coverage.Range range) {
      // in between, a run replaces whole partitions
      return new LinkedHashSet<>(
          List.of(
              PredictionsSchema.partition(range.time(), range.first()),
              PredictionsSchema.partition(range.time(), range.last())));
    }
    return new LinkedHashSet<>(write.stagedPartitions());
  }

  private long carryOver(Coverage coverage, String partition) {
    Path staged = new Path(write.staging(), partition);
    Dataset<Row> old = rows(coverage, write.current(partition));
    Dataset<Row> kept = kept(coverage, old, staged);
    long count = kept.count();
    if (count > 0) {
      kept.coalesce(1)
          .sortWithinPartitions(order(coverage))
          .write()
          .mode(SaveMode.Append)
          .option("compression", codec)
          .parquet(staged.toString());
    }
    return count;
  }

  private Dataset<Row> kept(Coverage coverage, Dataset<Row> old, Path staged) {
    if (coverage instanceof Coverage.Range range) {
      return old.where(
          not(
              expr(PredictionsSchema.ticksSql(range.time(), "origin"))
                  .between(range.first(), range.last())));
    }
    if (coverage instanceof Coverage.Input input) {
      return old.where(col("input").notEqual(input.uri()));
    }
    Dataset<Row> replaced = rows(coverage, staged).select("series", "origin").distinct();
    return old.join(replaced, new String[] {"series", "origin"}, "left_anti");
  }

  private static Column[] order(Coverage coverage) {
    List<String> columns =
        coverage instanceof Coverage.Input
            ? List.of("input", "id")
            : List.of("series", "origin", "horizon_step", "target");
    return columns.stream().map(functions::col).toArray(Column[]::new);
  }

  private Dataset<Row> rows(Coverage coverage, Path partition) {
    return spark.read().schema(coverage.format().fileColumns()).parquet(partition.toString());
  }

  /**
   * The caller's session with the caller's settings, but for the one the files depend on: time
   * stamps that every Parquet reader understands.
   */
  static SparkSession writingSession(SparkSession spark) {
    SparkSession own = spark.newSession();
    scala.collection.JavaConverters.mapAsJavaMap(spark.conf().getAll())
        .forEach(
            (key, value) -> {
              if (own.conf().isModifiable(key)) {
                own.conf().set(key, value);
              }
            });
    own.conf().set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS");
    return own;
  }
}
