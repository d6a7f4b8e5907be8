package io.sluice.sequences.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.SparkExtension;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(SparkExtension.class)
class JobDescriptionTest {

  @Test
  void theCallersWordsComeBack(SparkSession session) {
    SparkContext spark = session.sparkContext();
    spark.setJobGroup("run-7", "the nightly retraining", false);
    try {
      try (var outer = JobDescription.set(spark, "train")) {
        try (var inner = JobDescription.set(spark, "validate")) {
          assertThat(said(spark)).isEqualTo("validate");
        }
        assertThat(said(spark)).isEqualTo("train");
      }
      assertThat(said(spark)).isEqualTo("the nightly retraining");
      assertThat(spark.getLocalProperty("spark.jobGroup.id")).isEqualTo("run-7");
    } finally {
      spark.clearJobGroup();
    }
  }

  @Test
  void nothingIsLeftWhereNothingWasSaid(SparkSession session) {
    SparkContext spark = session.sparkContext();
    JobDescription.set(spark, "train").close();

    assertThat(said(spark)).isNull();
  }

  private static String said(SparkContext spark) {
    return spark.getLocalProperty("spark.job.description");
  }
}
