package io.sluice.sequences.telemetry.source;

import static org.apache.spark.sql.functions.array_position;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.lower;
import static org.apache.spark.sql.functions.trim;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.functions.when;

import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.source.RawTable;
import io.sluice.sequences.source.SourceFiles;
import io.sluice.sequences.telemetry.SourceSettings;
import io.sluice.sequences.telemetry.SourceSettings.Layout;
import io.sluice.sequences.telemetry.SourceSettings.SeriesFrom;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;

/**
 * Every row of a source, judged.
 *
 * <p><b>Columns</b> of {@link #judged}, one row per row of the table:
 *
 * <pre>
 * series      STRING
 * tick        BIGINT   microseconds since the epoch, or the ordinal number
 * arrival     BIGINT   0 where the source has none
 * v0 … vN-1   DOUBLE   wide: a track each (channels, then the label's class index); null = missing
 * channel     INT      long: the track
 * value       DOUBLE   long: the reading
 * reason      STRING   why the row cannot be used; null = it can
 * twice       BOOLEAN  the local time occurs twice (clocks went back)
 * u0 …, f0 …  BOOLEAN  wide: the value of track i is not a number; is not finite in float32
 * </pre>
 */
public final class Readings {
  /** Series of a source that has only one. */
  public static final String SINGLE_SERIES = "all";

  /** Long layout: in place of a reason, a tag that no setting asks for; not a rejected row. */
  static final String NOT_ASKED_FOR = "tag-not-asked-for";

  private final RawTable table;
  private final SourceSettings source;
  private final ValueJudge values;
  private final String seriesPrefix;
  private final long latestTick;

  private Readings(RawTable table, SourceSettings source, String seriesPrefix, Instant now) {
    this.table = table;
    this.source = source;
    this.values = new ValueJudge(table, source);
    this.seriesPrefix = seriesPrefix;
    // up to the full hour: Spark compiles this constant into the code of its queries, and one that
    // differs
    // from build to build would have every build of a session compiled anew
    this.latestTick =
        source.time().type() == TimeAxis.Type.ORDINAL
            ? Long.MAX_VALUE
            : micros(
                now.plus(source.time().maxFuture())
                    .plus(Duration.ofHours(1).minusNanos(1))
                    .truncatedTo(ChronoUnit.HOURS));
  }

  /**
   * Opens a source for judging; refuses columns that are missing or of the wrong type.
   *
   * @param seriesPrefix put before each series' name
   * @param now what "too far in the future" counts from
   */
  public static Readings of(
      RawTable table, SourceSettings source, String seriesPrefix, Instant now) {
    var c = source.columns();
    table.requirePlain(c.series(), "source.columns.series");
    table.require(c.time(), "source.columns.time");
    if (source.layout() == Layout.LONG) {
      table.requirePlain(c.tag(), "source.columns.tag");
      table.require(c.value(), "source.columns.value");
      table.requirePlain(c.quality(), "source.columns.quality");
    }
    table.requirePlain(c.arrival(), "source.columns.arrival");
    return new Readings(table, source, seriesPrefix, now);
  }

  /** Judges every row. */
  public Dataset<Row> judged(Channels channels, List<String> classes) {
    Column reason = rowReason();
    var columns = new ArrayList<Column>();
    columns.add(
        org.apache.spark.sql.functions.concat(lit(seriesPrefix), col("_series")).as("series"));
    columns.add(TimeColumn.tick(col("_time")).as("tick"));
    columns.add(col("_arrival").as("arrival"));
    columns.add(TimeColumn.occursTwice(col("_time")).as("twice"));
    if (source.layout() == Layout.WIDE) {
      for (int i = 0; i < channels.stored().size(); i++) {
        ValueJudge.Judged value = values.judge(channels.stored().get(i), "features.channels");
        columns.add(value.usable().as("v" + i));
        columns.add(value.isUnparsable().as("u" + i));
        columns.add(value.isNotFinite().as("f" + i));
      }
      if (channels.label() != null) {
        int i = channels.stored().size();
        columns.add(values.classIndex(channels.label(), classes).as("v" + i));
        columns.add(lit(false).as("u" + i));
        columns.add(lit(false).as("f" + i));
      }
    } else {
      Column tag = trim(table.column(source.columns().tag()).cast("string"));
      ValueJudge.Judged value = values.judge(source.columns().value(), "source.columns.value");
      Column channel =
          array_position(ValueJudge.strings(channels.stored()), tag).minus(1).cast("int");
      Column usable = value.usable();
      Column isUnparsable = value.isUnparsable();
      if (channels.label() != null) {
        Column isLabel = tag.equalTo(channels.label());
        channel = when(isLabel, lit(channels.stored().size())).otherwise(channel);
        usable =
            when(isLabel, values.classIndex(source.columns().value(), classes)).otherwise(usable);
        isUnparsable = isUnparsable.and(org.apache.spark.sql.functions.not(isLabel));
      }
      columns.add(channel.as("channel"));
      columns.add(usable.as("value"));
      Column isIgnored = tag.notEqual("").and(channel.lt(0));
      reason =
          coalesce(
              when(isIgnored, lit(NOT_ASKED_FOR)),
              reason,
              longReason(tag, usable, isUnparsable, value.isNotFinite()));
    }
    columns.add(reason.as("reason"));
    columns.add(table.file().as("file"));
    columns.add(table.asJson().as("row"));
    return timed().select(columns.toArray(Column[]::new));
  }

  /**
   * Series, tick, reason and (if {@code type} is not null) the text of a type column: an events
   * table.
   */
  public Dataset<Row> moments(String type) {
    return timed()
        .select(
            col("_series").as("series"),
            TimeColumn.tick(col("_time")).as("tick"),
            rowReason().as("reason"),
            type == null
                ? lit(null).cast("string").as("type")
                : trim(table.column(type).cast("string")).as("type"));
  }

  /** Of judged rows those that could not be used: source_file, reason and row. */
  public static Dataset<Row> rejected(Dataset<Row> judged) {
    return judged
        .where(col("reason").isNotNull().and(col("reason").notEqual(NOT_ASKED_FOR)))
        .select(col("file").as("source_file"), col("reason"), col("row"));
  }

  private Dataset<Row> timed() {
    return table
        .rows()
        .withColumn("_series", series())
        .withColumn("_time", TimeColumn.encoded(table, source.columns().time(), source.time()))
        .withColumn("_arrival", arrival());
  }

  private Column series() {
    if (source.seriesFrom() == SeriesFrom.SINGLE) {
      return lit(SINGLE_SERIES);
    }
    if (source.seriesFrom() == SeriesFrom.FILE) {
      return udf(new SeriesOfFile(SourceFiles.root(source.path())), DataTypes.StringType)
          .apply(table.file());
    }
    Column text = trim(table.column(source.columns().series()).cast("string"));
    return when(text.notEqual(""), text);
  }

  private Column arrival() {
    String name = source.columns().arrival();
    return name == null ? lit(0L) : TimeColumn.arrival(table, name, source.time());
  }

  private Column rowReason() {
    var time = source.time();
    Column tick = TimeColumn.tick(col("_time"));
    Column reason =
        when(table.isMalformed(), lit(RejectReason.MALFORMED_ROW.label()))
            .when(col("_series").isNull(), lit(RejectReason.SERIES_MISSING.label()))
            .when(col("_time").isNull(), lit(RejectReason.TIME_MISSING.label()))
            .when(
                col("_time").equalTo(TimeText.UNPARSABLE),
                lit(RejectReason.TIME_UNPARSABLE.label()))
            .when(
                col("_time").equalTo(TimeText.NONEXISTENT),
                lit(RejectReason.TIME_NONEXISTENT.label()));
    if (time.type() == TimeAxis.Type.TIMESTAMP) {
      reason = reason.when(tick.gt(latestTick), lit(RejectReason.TIME_IN_FUTURE.label()));
      if (time.min() != null) {
        reason =
            reason.when(tick.lt(micros(time.min())), lit(RejectReason.TIME_BEFORE_MIN.label()));
      }
    }
    return reason;
  }

  private Column longReason(Column tag, Column usable, Column isUnparsable, Column isNotFinite) {
    Column reason = when(tag.isNull().or(tag.equalTo("")), lit(RejectReason.TAG_MISSING.label()));
    if (source.columns().quality() != null) {
      var good =
          source.goodQuality().stream().map(q -> q.toLowerCase(java.util.Locale.ROOT)).toArray();
      Column quality = lower(trim(table.column(source.columns().quality()).cast("string")));
      reason =
          reason.when(
              quality.isNull().or(org.apache.spark.sql.functions.not(quality.isin(good))),
              lit(RejectReason.BAD_QUALITY.label()));
    }
    return reason
        .when(isUnparsable, lit(RejectReason.VALUE_UNPARSABLE.label()))
        .when(isNotFinite, lit(RejectReason.VALUE_NOT_FINITE.label()))
        .when(usable.isNull(), lit(RejectReason.VALUE_MISSING.label()));
  }

  static long micros(Instant at) {
    return Math.addExact(Math.multiplyExact(at.getEpochSecond(), 1_000_000L), at.getNano() / 1000);
  }

  /** The table behind. */
  public RawTable table() {
    return table;
  }

  /** How it is read. */
  public SourceSettings source() {
    return source;
  }
}
