package io.sluice.sequences.telemetry;

import com.fasterxml.jackson.annotation.JsonIgnore;
import io.sluice.config.ConfigReader;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.source.TableSource;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/**
 * Where raw telemetry lies and how its rows are read; the {@code source} section.
 *
 * @param path file, folder or glob; a Hadoop URI
 * @param format a Spark data source
 * @param options given to Spark's reader as they are
 * @param layout wide or long
 * @param columnNames names for files without a header; empty where the files name their columns
 * @param columns the columns that are not channels
 * @param seriesFrom what tells the series apart
 * @param goodQuality long layout: quality flags that count
 * @param time how time is read
 * @param extraColumns what happens to columns nobody asked for
 * @param testPath a second source whose series are the test split; null if there is none
 */
public record SourceSettings(
    String path,
    String format,
    Map<String, String> options,
    Layout layout,
    List<String> columnNames,
    Columns columns,
    SeriesFrom seriesFrom,
    List<String> goodQuality,
    Time time,
    ExtraColumns extraColumns,
    String testPath) {

  /**
   * What opens the raw table.
   *
   * @param described the setting that names it and its value, for messages
   */
  public TableSource table(String described) {
    return new TableSource(described, path, format, options, columnNames);
  }

  /** Shape of the raw table. */
  public enum Layout {
    /** A column per channel. */
    WIDE,
    /** A row per reading: tag, time, value. */
    LONG
  }

  /** What tells series apart. */
  public enum SeriesFrom {
    COLUMN,
    /** One series a file, named by its path below the source's root, without extension. */
    FILE,
    SINGLE
  }

  /** What happens to columns (long layout: tags) nobody asked for. */
  public enum ExtraColumns {
    IGNORE,
    FAIL
  }

  /**
   * Names of the columns that are not channels; null where the source has none.
   *
   * @param series tells series apart
   * @param time time stamp or cycle
   * @param tag long layout: channel name
   * @param value long layout: reading
   * @param quality long layout: quality flag
   * @param arrival when a row arrived; of two readings of one time the later arrival wins
   */
  public record Columns(
      String series, String time, String tag, String value, String quality, String arrival) {}

  /**
   * @param type time stamps, or cycles
   * @param format a {@code java.time} pattern, or epoch-seconds, epoch-millis, epoch-micros for
   *     numbers; null: ISO 8601 and {@code yyyy-MM-dd HH:mm:ss}
   * @param zone of time stamps without an offset
   * @param maxFuture later than the start of the run by more than this is rejected
   * @param min earlier is rejected; null = no bound
   */
  public record Time(
      TimeAxis.Type type, String format, ZoneId zone, Duration maxFuture, Instant min) {}

  /** The path as messages show it. */
  @JsonIgnore
  public String described() {
    return "source.path " + path;
  }

  /** The same source at another place: new raw data for scoring, the test path. */
  public SourceSettings at(String otherPath) {
    return new SourceSettings(
        otherPath,
        format,
        options,
        layout,
        columnNames,
        columns,
        seriesFrom,
        goodQuality,
        time,
        extraColumns,
        null);
  }

  /** The same source, whatever other columns it has. */
  SourceSettings ignoringExtraColumns() {
    return new SourceSettings(
        path,
        format,
        options,
        layout,
        columnNames,
        columns,
        seriesFrom,
        goodQuality,
        time,
        ExtraColumns.IGNORE,
        testPath);
  }

  static SourceSettings read(ConfigReader s) {
    Layout layout = s.choice("layout", Layout.class);
    SeriesFrom seriesFrom = s.choice("series-from", SeriesFrom.class);
    Columns columns = s.section("columns", c -> readColumns(c, layout, seriesFrom));
    List<String> names = s.strings("column-names");
    s.check(
        new HashSet<>(names).size() == names.size(),
        "column-names",
        "must be distinct, but are %s",
        names);
    return new SourceSettings(
        s.string("path"),
        s.string("format"),
        s.stringMap("options"),
        layout,
        names,
        columns,
        seriesFrom,
        s.strings("good-quality"),
        s.section("time", SourceSettings::readTime),
        s.choice("extra-columns", ExtraColumns.class),
        s.optionalString("test-path").orElse(null));
  }

  private static Columns readColumns(ConfigReader c, Layout layout, SeriesFrom seriesFrom) {
    String series = c.optionalString("series").orElse(null);
    c.check(
        seriesFrom != SeriesFrom.COLUMN || series != null,
        "series",
        "is required with source.series-from = column; name the column, or set"
            + " source.series-from to file or single");
    if (seriesFrom != SeriesFrom.COLUMN) {
      series = null;
    }
    String tag = layout == Layout.LONG ? c.string("tag") : null;
    String value = layout == Layout.LONG ? c.string("value") : null;
    String quality = layout == Layout.LONG ? c.optionalString("quality").orElse(null) : null;
    return new Columns(
        series, c.string("time"), tag, value, quality, c.optionalString("arrival").orElse(null));
  }

  private static Time readTime(ConfigReader t) {
    String format = t.optionalString("format").orElse(null);
    if (format != null && !format.startsWith("epoch-")) {
      String problem = patternProblem(format);
      t.check(problem == null, "format", "must be a java.time pattern, but %s", problem);
    } else if (format != null) {
      t.check(
          List.of("epoch-seconds", "epoch-millis", "epoch-micros").contains(format),
          "format",
          "must be a java.time pattern, epoch-seconds, epoch-millis or epoch-micros, but is \"%s\"",
          format);
    }
    return new Time(
        t.choice("type", TimeAxis.Type.class),
        format,
        t.zone("zone"),
        t.duration("max-future"),
        t.optionalInstant("min").orElse(null));
  }

  private static String patternProblem(String pattern) {
    try {
      var parsed = java.time.format.DateTimeFormatter.ofPattern(pattern, java.util.Locale.ROOT);
      return parsed.toString().isEmpty() ? "\"%s\" is empty".formatted(pattern) : null;
    } catch (IllegalArgumentException e) {
      return "\"%s\" is not one: %s".formatted(pattern, e.getMessage());
    }
  }
}
