package io.sluice.sequences.telemetry.source;

import static org.apache.spark.sql.functions.col;

import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;

/**
 * The rows that could not be used: Parquet with {@code source_file}, {@code reason} and the {@code
 * row} as JSON. Replaced by each build; there, and empty, where every row could be used.
 */
public final class RejectsTable {
  private RejectsTable() {}

  /** Writes the table. */
  public static void write(String source, Dataset<Row> judged, Survey survey, String path) {
    Dataset<Row> rejected =
        judged
            .where(col("reason").isNotNull().and(col("reason").notEqual(Readings.NOT_ASKED_FOR)))
            .select(col("file").as("source_file"), col("reason"), col("row"));
    // nothing to find is known from the survey: no second pass over the source
    Dataset<Row> written = survey.rejectedRows() == 0 ? rejected.limit(0) : rejected;
    WriteFailures.guard(
        source,
        path,
        () -> {
          written.write().mode(SaveMode.Overwrite).parquet(path);
          return null;
        });
  }
}
