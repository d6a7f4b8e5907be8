package io.sluice.scoring.batch;

import io.sluice.config.ConfigReader;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.sequences.telemetry.SegmentStream.OriginMode;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * Settings of the {@code score} job. Defaults live in {@code conf/reference.conf} and nowhere else.
 *
 * @param name of the model in the registry; used where {@code bundle} is {@code latest}
 * @param bundle a bundle folder, or {@code latest}
 * @param registry where bundles are published
 * @param device where to compute
 * @param input new raw data, in the layout of the training source
 * @param sourceOptions reader options of this run; they complete those recorded in the bundle,
 *     which holds no secrets
 * @param maxRejectedShare more rejected raw rows than this share fails the job
 * @param predictions the predictions table
 * @param rejectsPath the table of raw rows that could not be used
 * @param from first origin; empty = the first possible
 * @param to last origin; empty = the last possible
 * @param origins every origin, or the newest one of each series
 * @param interval share of actual values that lower and upper should enclose
 * @param batchSize windows a forward pass
 * @param threads native threads a task
 * @param partitions Spark partitions; 0 = {@code spark.sql.shuffle.partitions}
 * @param codec Parquet compression of the predictions
 * @param lockTimeout a publisher's lock without a sign of life for this long is abandoned
 */
public record ScoreSettings(
    String name,
    String bundle,
    String registry,
    DeviceChoice device,
    String input,
    Map<String, String> sourceOptions,
    double maxRejectedShare,
    String predictions,
    String rejectsPath,
    Optional<Instant> from,
    Optional<Instant> to,
    OriginMode origins,
    double interval,
    int batchSize,
    int threads,
    int partitions,
    String codec,
    Duration lockTimeout) {

  /** Reads the section {@code score} and what it shares with the other jobs. */
  public static ScoreSettings from(ConfigReader root) {
    String name = root.string("name");
    String registry = root.section("registry", r -> r.string("path"));
    DeviceChoice device = root.choice("device", DeviceChoice.class);
    Map<String, String> options = root.section("source", s -> s.stringMap("options"));
    double maxShare = root.section("reject", r -> r.numberBetween("max-share", 0, 1));
    return root.section(
        "score",
        s -> {
          Optional<Instant> from = s.optionalInstant("from");
          Optional<Instant> to = s.optionalInstant("to");
          s.check(
              from.isEmpty() || to.isEmpty() || !from.get().isAfter(to.get()),
              "from",
              "must not be after score.to (%s), but is %s",
              to.orElse(null),
              from.orElse(null));
          return new ScoreSettings(
              name,
              s.string("bundle"),
              registry,
              device,
              s.string("input"),
              options,
              maxShare,
              s.string("predictions"),
              s.string("rejects-path"),
              from,
              to,
              s.choice("origins", OriginMode.class),
              s.numberBetween("interval", 0.01, 0.999),
              s.intBetween("batch-size", 1, 65_536),
              s.intAtLeast("threads", 1),
              s.intAtLeast("partitions", 0),
              s.string("codec"),
              s.positiveDuration("lock-timeout"));
        });
  }
}
