package io.sluice.sequences.telemetry;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.WindowContract;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.SparkSession;

/**
 * New raw telemetry as segments, by the same preparation as training, without splits, targets or
 * fitting: what scoring reads.
 */
public final class SegmentStream {
  /** Which origins are wanted. */
  public enum OriginMode {
    /** Every origin with a complete look-back. */
    ALL,
    /** The newest origin of each series. */
    LAST
  }

  private SegmentStream() {}

  /**
   * Prepares raw data.
   *
   * @param contract what a window is
   * @param preparation as the manifest or bundle recorded it
   * @param inputPath new raw data in the layout of the training source
   * @param from first origin; empty = the first possible
   * @param to last origin; empty = the last possible
   * @param partitions Spark partitions; 0 = spark.sql.shuffle.partitions
   */
  public static SegmentStream read(
      SparkSession spark,
      WindowContract contract,
      JsonNode preparation,
      String inputPath,
      Optional<Instant> from,
      Optional<Instant> to,
      OriginMode mode,
      int partitions) {
    throw new UnsupportedOperationException();
  }

  /** Segments ordered by (series, segment) inside each partition; a segment is whole. */
  public JavaRDD<Segment> segments() {
    throw new UnsupportedOperationException();
  }

  /** Raw rows that could not be used, by reason. */
  public Map<String, Long> rejected() {
    throw new UnsupportedOperationException();
  }
}
