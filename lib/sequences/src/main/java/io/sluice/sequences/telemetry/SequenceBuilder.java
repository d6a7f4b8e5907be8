package io.sluice.sequences.telemetry;

import io.sluice.config.Provenance;
import org.apache.spark.sql.SparkSession;

/** Turns raw telemetry into a sequence dataset. */
public final class SequenceBuilder {
  private SequenceBuilder() {}

  /** Builds and publishes the dataset. */
  public static BuildReport build(
      SparkSession spark, SequenceSettings settings, Provenance provenance) {
    throw new UnsupportedOperationException();
  }
}
