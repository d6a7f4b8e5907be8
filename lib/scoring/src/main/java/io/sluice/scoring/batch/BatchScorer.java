package io.sluice.scoring.batch;

import io.sluice.config.Provenance;
import org.apache.spark.sql.SparkSession;

/**
 * The {@code score} job: raw data and a bundle in, rows of the predictions table out.
 *
 * <p>Idempotent: a rerun replaces exactly the partitions it covers and leaves every other as it is.
 * See {@link PredictionsTable} for what a crash leaves.
 */
public final class BatchScorer {
  private BatchScorer() {}

  /**
   * Scores new raw data with a bundle and publishes the predictions.
   *
   * @throws io.sluice.failure.InvalidInputException if the bundle or the input is missing or
   *     broken, the input does not fit the bundle, or no window has a complete look-back
   * @throws io.sluice.failure.OperationFailedException if another run publishes this model's
   *     predictions to the same table
   */
  public static ScoreReport run(SparkSession spark, ScoreSettings settings, Provenance provenance) {
    throw new UnsupportedOperationException();
  }
}
