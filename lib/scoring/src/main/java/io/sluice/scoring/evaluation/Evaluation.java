package io.sluice.scoring.evaluation;

import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * Judges a model bundle on a split of a dataset.
 *
 * <p>Refuses a bundle that does not fit the dataset and names each difference. Parts of the split
 * are evaluated in parallel; every metric is a sum that is merged, so memory does not grow with the
 * number of windows (but for class scores, which ROC-AUC needs).
 */
public final class Evaluation {

  /**
   * Evaluates, logs a table and writes {@code evaluation.json}. The quality gate's verdict is in
   * the report: draw the page first, then call {@link EvaluationReport#requireGate()}.
   *
   * @param spark runs parts in parallel; null evaluates them one after another
   * @throws io.sluice.failure.InvalidInputException if bundle and dataset do not fit
   */
  public static EvaluationReport run(
      SparkSession spark, EvaluateSettings settings, Configuration hadoop) {
    throw new UnsupportedOperationException();
  }

  private Evaluation() {}
}
