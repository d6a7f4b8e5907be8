package io.sluice.sequences.telemetry.store;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;

import io.sluice.sequences.dataset.SegmentColumns;
import io.sluice.sequences.dataset.SegmentSchema;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Written parts as a table of Spark SQL. Its columns are those of the contract, so that no Spark
 * job looks into files to find them, and {@code split}, {@code period} and {@code tick} besides.
 */
public final class SegmentTable {
  private SegmentTable() {}

  /** Reads parts of a dataset folder; there must be one at least. */
  public static Dataset<Row> of(
      SparkSession spark, String folder, WindowContract contract, List<Part> parts) {
    String[] files = parts.stream().map(part -> folder + "/" + part.path()).toArray(String[]::new);
    boolean isOrdinal = contract.time().type() == TimeAxis.Type.ORDINAL;
    return spark
        .read()
        .schema(SegmentSchema.of(contract))
        .option("basePath", folder)
        .option("datetimeRebaseMode", "CORRECTED") // the calendar it was written in
        .parquet(files)
        .withColumn(
            "tick",
            isOrdinal
                ? col(SegmentColumns.TIME)
                : expr("unix_micros(%s)".formatted(SegmentColumns.TIME)));
  }
}
