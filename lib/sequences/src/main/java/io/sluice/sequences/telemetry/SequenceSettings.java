package io.sluice.sequences.telemetry;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.config.ConfigReader;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract.Calendar;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import io.sluice.sequences.dataset.WindowContract.WindowNormalization;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Settings of {@code build-sequences} for telemetry. Defaults live in {@code conf/reference.conf}
 * and nowhere else.
 *
 * @param name of the experiment
 * @param source where raw data lies
 * @param reject what happens to rows that cannot be used
 * @param resample the grid
 * @param features what a network sees
 * @param target what it predicts
 * @param window look-back, horizon, stride
 * @param split what is train, validation and test
 * @param scaling how values are scaled
 * @param dataset what is written
 */
public record SequenceSettings(
    String name,
    SourceSettings source,
    Reject reject,
    Resample resample,
    Features features,
    Target target,
    Window window,
    SplitSettings split,
    Scaling scaling,
    DatasetSettings dataset) {

  /**
   * @param maxShare more rejected rows than this share fails the job
   * @param path of the rejects table
   */
  public record Reject(double maxShare, String path) {}

  /** How the readings of one step become one value. */
  public enum Aggregate {
    MEAN,
    LAST,
    FIRST,
    MIN,
    MAX,
    SUM,
    MEDIAN
  }

  /** What fills steps without a reading. */
  public enum GapPolicy {
    /** The last reading, for at most max-gap-steps. */
    FORWARD_FILL,
    /** A straight line between the readings around a gap of at most max-gap-steps. */
    INTERPOLATE,
    /** Nothing; the masks say so. */
    MASK,
    /** Nothing; a window never spans a missing step. */
    CUT
  }

  /**
   * @param axis the grid
   * @param aggregate of the readings in a step
   * @param aggregateByChannel exceptions
   * @param gapPolicy what fills steps without a reading
   * @param maxGapSteps longest gap that is filled
   */
  public record Resample(
      TimeAxis axis,
      Aggregate aggregate,
      Map<String, Aggregate> aggregateByChannel,
      GapPolicy gapPolicy,
      int maxGapSteps) {}

  /**
   * @param channels inputs; empty = every numeric column
   * @param masks an input per channel: observed in this step
   * @param timeSinceLast an input per channel: steps since the last observation
   * @param calendar calendar inputs
   * @param calendarZone the zone they are taken in
   * @param knownFuture channels also read horizon steps ahead
   */
  public record Features(
      List<String> channels,
      boolean masks,
      boolean timeSinceLast,
      List<Calendar> calendar,
      ZoneId calendarZone,
      List<String> knownFuture) {}

  /** Which steps of a window decide its class. */
  public enum LabelAt {
    LAST,
    ANY,
    MAJORITY
  }

  /**
   * @param type what is predicted
   * @param channels forecast: channels; empty = the inputs
   * @param label class: the label column; else null
   * @param labelAt class: which steps of the window decide
   * @param events event and remaining life: where events are; null if there is no table
   * @param leadTime event: 1 if one follows within this
   * @param recovery origins this long after an event are left out
   * @param cap remaining life: in steps
   * @param remainingAtEndPath remaining life: steps left at each test series' end; or null
   */
  public record Target(
      TargetType type,
      List<String> channels,
      String label,
      LabelAt labelAt,
      Events events,
      Duration leadTime,
      Duration recovery,
      int cap,
      String remainingAtEndPath) {}

  /** The events table. Types empty = all. */
  public record Events(
      String path,
      String format,
      Map<String, String> options,
      String series,
      String time,
      String type,
      List<String> types) {}

  /** T, H and the steps between two windows. */
  public record Window(int lookBack, int horizon, int stride) {}

  /** What the splits divide. */
  public enum SplitBy {
    TIME,
    SERIES
  }

  /** What the shares of a split by time are measured in. */
  public enum SplitUnit {
    FRACTION,
    ROWS,
    INSTANT
  }

  /**
   * @param by time or series
   * @param unit of the three shares
   * @param train share, rows, or microseconds of the end instant
   * @param validation likewise
   * @param test likewise; null (instant only) = to the end
   * @param embargoSteps E
   * @param seed by series: which go where
   * @param trainSeries by series: named instead of drawn
   * @param validationSeries likewise
   * @param testSeries likewise
   */
  public record SplitSettings(
      SplitBy by,
      SplitUnit unit,
      double train,
      double validation,
      Double test,
      int embargoSteps,
      long seed,
      List<String> trainSeries,
      List<String> validationSeries,
      List<String> testSeries) {}

  /** How a scaler is fitted. */
  public enum ScalingMethod {
    STANDARD,
    MIN_MAX,
    ROBUST,
    NONE
  }

  /** What shares a scaler. */
  public enum ScalingScope {
    GLOBAL,
    SERIES
  }

  /** Method, scope and what is subtracted per window on top. */
  public record Scaling(ScalingMethod method, ScalingScope scope, WindowNormalization window) {}

  /** Shape of the written rows; the last two are of text, see {@code io.sluice.sequences.text}. */
  public enum DatasetLayout {
    SEGMENTS,
    WINDOWS,
    DOCUMENTS,
    STREAM;

    /** True for what {@code io.sluice.sequences.text} builds. */
    public boolean isText() {
      return this == DOCUMENTS || this == STREAM;
    }
  }

  /**
   * @param path the dataset folder
   * @param layout segments or windows
   * @param segmentSteps origins per segment
   * @param periodTicks length of a Parquet partition, in ticks of the time axis
   * @param codec Parquet compression
   * @param rebuildFrom late data: first instant; null = build everything
   * @param rebuildTo late data: last instant; null = build everything
   * @param partitions Spark partitions; 0 = spark.sql.shuffle.partitions
   */
  public record DatasetSettings(
      String path,
      DatasetLayout layout,
      int segmentSteps,
      long periodTicks,
      String codec,
      Instant rebuildFrom,
      Instant rebuildTo,
      int partitions) {}

  /** Reads every section of the job. */
  public static SequenceSettings from(ConfigReader root) {
    SourceSettings source = root.section("source", SourceSettings::read);
    Resample resample =
        root.section("resample", s -> SettingsSections.resample(s, source.time().type()));
    Features features =
        root.section("features", s -> SettingsSections.features(s, resample.gapPolicy()));
    Target target = root.section("target", SettingsSections::target);
    Window window = root.section("window", s -> SettingsSections.window(s, target.type()));
    var settings =
        new SequenceSettings(
            root.string("name"),
            source,
            root.section(
                "reject", s -> new Reject(s.numberBetween("max-share", 0, 1), s.string("path"))),
            resample,
            features,
            target,
            window,
            root.section("split", s -> SettingsSections.split(s, window)),
            root.section("scaling", SettingsSections::scaling),
            root.section("dataset", s -> SettingsSections.dataset(s, resample.axis(), window)));
    SettingsSections.requireApart(root, settings);
    return settings;
  }

  /** What scoring needs to repeat the preparation. */
  public Preparation preparation() {
    return new Preparation(source, resample, dataset.segmentSteps());
  }

  /**
   * SHA-256 of everything that decides which rows are written: not where they go, not how many
   * Spark partitions made them, not which time range was rebuilt.
   */
  public String hash() {
    ObjectNode json = (ObjectNode) Preparation.json(this);
    ((ObjectNode) json.get("dataset")).retain("layout", "segmentSteps", "periodTicks", "codec");
    ((ObjectNode) json.get("reject")).remove("path");
    ((ObjectNode) json.get("source")).remove("options");
    json.set("sourceOptions", preparation().toJson().get("source").get("options"));
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(json.toString().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
