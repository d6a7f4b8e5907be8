package io.sluice.scoring.batch;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.sequences.dataset.WindowContract;
import org.apache.spark.sql.SparkSession;

final class ScoringContractCheck {
  static void require(
      SparkSession spark, String input, WindowContract contract, JsonNode preparation) {}
}
