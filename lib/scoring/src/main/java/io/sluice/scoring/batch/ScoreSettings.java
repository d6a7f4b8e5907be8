package io.sluice.scoring.batch;

import io.sluice.config.ConfigReader;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.sequences.telemetry.SegmentStream.OriginMode;
import io.sluice.sequences.text.TextSettings;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Optional;

/**
 * Settings of the {@code score} job. Defaults live in {@code conf/reference.conf} and nowhere else.
 *
 * @param name of the model in the registry; used where {@code bundle} is {@code latest}
 * @param bundle a bundle folder, or {@code latest}
 * @param registry where bundles are published
 * @param device where to compute
 * @param input new raw data, in the layout of the training source
 * @param source how documents lie in the input; of windows the bundle says that, and the reader
 *     options here complete those recorded in it, which holds no secrets
 * @param maxRejectedShare more rejected raw rows than this share fails the job
 * @param predictions the predictions table
 * @param rejectsPath the table of raw rows that could not be used
 * @param from first origin; empty = the first possible
 * @param to last origin; empty = the last possible
 * @param origins every origin, or the newest one of each series
 * @param interval share of actual values that lower and upper should enclose
 * @param threshold two classes: the second is predicted from this probability on; empty = the
 *     bundle's, or one half where it has none
 * @param date of documents: the partition their rows go to; empty = the UTC date of the run's start
 * @param explain of documents: what rows say beside the prediction
 * @param batchSize windows, or documents, a forward pass
 * @param batchTokens of documents: tokens a forward pass, padding included
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
    TextSettings.Source source,
    double maxRejectedShare,
    String predictions,
    String rejectsPath,
    Optional<Instant> from,
    Optional<Instant> to,
    OriginMode origins,
    double interval,
    Optional<Double> threshold,
    Optional<LocalDate> date,
    Explain explain,
    int batchSize,
    int batchTokens,
    int threads,
    int partitions,
    String codec,
    Duration lockTimeout) {

  /** What rows of documents say beside the prediction. */
  public enum Explain {
    NONE,
    /** The tokens, with the weights of the model's additive attention. */
    ATTENTION
  }

  /** Reads the section {@code score} and what it shares with the other jobs. */
  public static ScoreSettings from(ConfigReader root) {
    String name = root.string("name");
    String registry = root.section("registry", r -> r.string("path"));
    DeviceChoice device = root.choice("device", DeviceChoice.class);
    TextSettings.Source source = root.section("source", TextSettings::documents);
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
              source,
              maxShare,
              s.string("predictions"),
              s.string("rejects-path"),
              from,
              to,
              s.choice("origins", OriginMode.class),
              s.numberBetween("interval", 0.01, 0.999),
              s.isAuto("threshold")
                  ? Optional.empty()
                  : Optional.of(s.numberBetween("threshold", 0, 1)),
              s.optionalDate("date"),
              s.choice("explain", Explain.class),
              s.intBetween("batch-size", 1, 65_536),
              s.intBetween("batch-tokens", 1, 1 << 24),
              s.intAtLeast("threads", 1),
              s.intAtLeast("partitions", 0),
              s.string("codec"),
              s.positiveDuration("lock-timeout"));
        });
  }
}
