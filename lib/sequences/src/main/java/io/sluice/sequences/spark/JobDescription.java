package io.sluice.sequences.spark;

import org.apache.spark.SparkContext;

/**
 * What Spark's UI says of the jobs that the calling thread starts, until this is closed; then again
 * what it said before, which belongs to the caller.
 *
 * <pre>{@code
 * try (var ignored = JobDescription.set(spark, "validation loss")) {
 *   … a job …
 * }
 * }</pre>
 */
public final class JobDescription implements AutoCloseable {
  /** Where {@code SparkContext.setJobDescription} and {@code setJobGroup} leave it. */
  private static final String KEY = "spark.job.description";

  private final SparkContext spark;
  private final String before;

  private JobDescription(SparkContext spark) {
    this.spark = spark;
    this.before = spark.getLocalProperty(KEY);
  }

  public static JobDescription set(SparkContext spark, String text) {
    var description = new JobDescription(spark);
    spark.setJobDescription(text);
    return description;
  }

  @Override
  public void close() {
    spark.setJobDescription(before);
  }
}
