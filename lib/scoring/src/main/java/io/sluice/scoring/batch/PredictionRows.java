package io.sluice.scoring.batch;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;

import io.sluice.config.ConfigReader;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import java.time.Instant;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/**
 * Unfolds scored windows into the columns of {@code predictions.v1}, in Spark SQL.
 *
 * <p>Windows, not rows, are shuffled to their date and sorted by series and origin: a window is a
 * few hundred bytes, its H·K rows are many times that. A date's rows thus lie together in few files
 * and in an order that does not depend on the number of tasks.
 */
final class PredictionRows {
  private PredictionRows() {}

  /**
   * What every row of a run says alike.
   *
   * @param modelName name in the registry
   * @param modelVersion version in the registry
   * @param bundleHash identifies the bundle
   * @param runId the run
   * @param scoredAt the run's start
   */
  record RunColumns(
      String modelName, int modelVersion, String bundleHash, String runId, Instant scoredAt) {}

  /** Columns of the files plus {@code date}, which the writer turns into folders. */
  static Dataset<Row> unfold(
      Dataset<ScoredWindow> windows, WindowContract contract, RunColumns run) {
    TimeAxis.Type time = contract.time().type();
    Dataset<Row> arranged =
        windows
            .withColumn("date", expr(PredictionsSchema.partitionSql(time, "originTicks")))
            .hint("rebalance", col("date").expr()) // the hint knows expressions only
            .sortWithinPartitions("date", "series", "originTicks");
    Dataset<Row> unfolded =
        switch (contract.target().type()) {
          case FORECAST -> arranged.selectExpr("*", "posexplode(prediction) AS (position, value)");
          case REMAINING_LIFE ->
              arranged.selectExpr("*", "0 AS position", "prediction[0] AS value");
          case CLASS, EVENT ->
              arranged.selectExpr("*", "0 AS position", "CAST(NULL AS FLOAT) AS value");
        };
    return unfolded.select(
        col("series"),
        expr(PredictionsSchema.originSql(time, "originTicks")).as("origin"),
        horizonStep(contract).as("horizon_step"),
        target(contract).as("target"),
        col("value").as("prediction"),
        expr("lower[position]").as("lower"),
        expr("upper[position]").as("upper"),
        col("classProbabilities").as("class_probabilities"),
        col("predictedClass").as("predicted_class"),
        lit(run.modelName()).as("model_name"),
        lit(run.modelVersion()).as("model_version"),
        lit(run.bundleHash()).as("bundle_hash"),
        lit(run.runId()).as("run_id"),
        lit(run.scoredAt()).as("scored_at"),
        col("date"));
  }

  private static Column horizonStep(WindowContract contract) {
    return switch (contract.target().type()) {
      case FORECAST ->
          expr("CAST(position div %d AS INT) + 1".formatted(contract.target().channels().size()));
      case CLASS, EVENT, REMAINING_LIFE -> lit(0);
    };
  }

  private static Column target(WindowContract contract) {
    return switch (contract.target().type()) {
      case FORECAST -> {
        Column[] names =
            contract.target().channels().stream().map(functions::lit).toArray(Column[]::new);
        yield array(names).apply(expr("position % " + names.length));
      }
      case CLASS, EVENT, REMAINING_LIFE -> lit(ConfigReader.kebab(contract.target().type()));
    };
  }
}
