package io.sluice.sequences.simulation;

import io.sluice.config.ConfigReader;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;

/**
 * Settings of {@code simulate}. Defaults live in {@code conf/reference.conf} and nowhere else.
 *
 * @param output folder that holds the three tables; a Hadoop URI
 * @param format of the tables
 * @param seed same seed, same plant
 * @param units machines in the plant
 * @param days length of the record
 * @param start nominal time of the first reading
 * @param interval nominal time from one reading to the next
 * @param partitions Spark partitions; 0 = the cluster's default parallelism
 * @param operation how the plant is run
 * @param defects what is wrong with its data
 */
public record SimulationSettings(
    String output,
    Format format,
    long seed,
    int units,
    int days,
    Instant start,
    Duration interval,
    int partitions,
    Operation operation,
    Defects defects)
    implements Serializable {

  /** File formats of the tables. */
  public enum Format {
    PARQUET,
    CSV,
    JSON,
    AVRO,
    ORC;

    /** The name of Spark's data source. */
    String source() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * @param meanDaysBetweenFailures wear reaches its limit about this often at full load
   * @param repairHours mean standstill after a failure
   * @param setPointChangesPerWeek rate at which the operator moves a unit's set point
   */
  public record Operation(
      double meanDaysBetweenFailures, double repairHours, double setPointChangesPerWeek)
      implements Serializable {}

  /**
   * @param jitter standard deviation of reading times, as a share of the interval
   * @param noise multiple of each sensor's nominal noise
   * @param drift multiple of each sensor's nominal drift
   * @param gapsPerMonth rate at which a unit's link goes down
   * @param deadSensorShare share of sensors that freeze for some days
   * @param duplicateShare share of readings sent twice
   * @param lateShare share of readings that arrive late
   * @param missingShare share of readings lost one by one
   * @param badQualityShare share of readings marked as bad
   */
  public record Defects(
      double jitter,
      double noise,
      double drift,
      double gapsPerMonth,
      double deadSensorShare,
      double duplicateShare,
      double lateShare,
      double missingShare,
      double badQualityShare)
      implements Serializable {}

  /** Reads the section {@code simulate}. */
  public static SimulationSettings from(ConfigReader root) {
    return root.section("simulate", SimulationSettings::read);
  }

  private static SimulationSettings read(ConfigReader s) {
    Duration interval = s.positiveDuration("interval");
    s.check(
        interval.compareTo(Duration.ofSeconds(1)) >= 0
            && interval.compareTo(Duration.ofHours(6)) <= 0,
        "interval",
        "must be between 1 second and 6 hours, but is %s",
        interval);
    return new SimulationSettings(
        s.string("output"),
        s.choice("format", Format.class),
        s.longValue("seed"),
        s.intBetween("units", 1, 1_000_000),
        s.intBetween("days", 1, 36_500),
        start(s),
        interval,
        s.intAtLeast("partitions", 0),
        new Operation(
            s.numberBetween("mean-days-between-failures", 1, 1e6),
            s.numberBetween("repair-hours", 0.1, 1000),
            s.numberBetween("set-point-changes-per-week", 0, 1000)),
        new Defects(
            s.numberBetween("jitter", 0, 0.15),
            s.numberBetween("noise", 0, 100),
            s.numberBetween("drift", 0, 100),
            s.numberBetween("gaps-per-month", 0, 100),
            s.numberBetween("dead-sensor-share", 0, 1),
            s.numberBetween("duplicate-share", 0, 1),
            s.numberBetween("late-share", 0, 1),
            s.numberBetween("missing-share", 0, 1),
            s.numberBetween("bad-quality-share", 0, 1)));
  }

  private static Instant start(ConfigReader s) {
    Instant start = s.optionalInstant("start").orElse(null);
    s.check(start != null, "start", "is required: the instant of the first reading");
    return start == null ? Instant.EPOCH : start;
  }

  /** Nominal readings of one sensor over the whole record. */
  long scans() {
    return Duration.ofDays(days).toMillis() / interval.toMillis();
  }
}
