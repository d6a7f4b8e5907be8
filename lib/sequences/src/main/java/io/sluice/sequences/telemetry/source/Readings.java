package io.sluice.sequences.telemetry.source;

import static org.apache.spark.sql.functions.abs;
import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.array_position;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.isnan;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.lower;
import static org.apache.spark.sql.functions.trim;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.functions.when;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.telemetry.SourceSettings;
import io.sluice.sequences.telemetry.SourceSettings.Layout;
import io.sluice.sequences.telemetry.SourceSettings.SeriesFrom;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;

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

  private static final int MAX_CLASSES = 1000;

  /** Half a unit in the last place above the largest float32: rounds to infinity. */
  private static final double FLOAT_INFINITY = Float.MAX_VALUE + Math.ulp(Float.MAX_VALUE) / 2.0;

  private final RawTable table;
  private final SourceSettings source;
  private final String seriesPrefix;
  private final long latestTick;

  private Readings(RawTable table, SourceSettings source, String seriesPrefix, Instant now) {
    this.table = table;
    this.source = source;
    this.seriesPrefix = seriesPrefix;
    // the full hour: Spark compiles this constant into the code of its queries, and one that
    // differs
    // from build to build would have every build of a session compiled anew
    this.latestTick =
        source.time().type() == TimeAxis.Type.ORDINAL
            ? Long.MAX_VALUE
            : micros(
                now.plus(source.time().maxFuture())
                    .plus(1, ChronoUnit.HOURS)
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
    requirePlain(table, c.series(), "source.columns.series");
    table.require(c.time(), "source.columns.time");
    if (source.layout() == Layout.LONG) {
      requirePlain(table, c.tag(), "source.columns.tag");
      table.require(c.value(), "source.columns.value");
      requirePlain(table, c.quality(), "source.columns.quality");
    }
    requirePlain(table, c.arrival(), "source.columns.arrival");
    return new Readings(table, source, seriesPrefix, now);
  }

  /** Refuses a column that is not there or is nested; null is a column nobody named. */
  private static void requirePlain(RawTable table, String name, String setting) {
    if (name == null) {
      return;
    }
    table.require(name, setting);
    DataType type = table.type(name);
    if (type instanceof ArrayType || type instanceof MapType || type.typeName().equals("struct")) {
      throw new InvalidInputException(
          "%s: column %s (%s) has type %s, but must be a plain value."
              .formatted(table.described(), name, setting, type.simpleString()));
    }
  }

  /**
   * Channels the source could give: wide, its numeric columns; long, its tags.
   *
   * @param label left out of them; may be null
   * @param wanted when not empty, channels that were named: text columns among them are believed
   * @param maxBadShare a text column is numeric if at most this share of its values is not
   */
  public List<String> availableChannels(String label, Set<String> wanted, double maxBadShare) {
    List<String> available = available(label, wanted, maxBadShare);
    if (available.isEmpty()) {
      table.requireRows();
    }
    return available;
  }

  private List<String> available(String label, Set<String> wanted, double maxBadShare) {
    if (source.layout() == Layout.LONG) {
      var tags = new TreeSet<String>();
      List<Row> rows =
          table.reading(
              () ->
                  table
                      .rows()
                      .select(table.column(source.columns().tag()).cast("string").as("tag"))
                      .where("tag is not null and trim(tag) <> ''")
                      .distinct()
                      .collectAsList());
      rows.forEach(row -> tags.add(row.getString(0).strip()));
      return tags.stream().filter(tag -> !tag.equals(label)).toList();
    }
    var taken = new HashSet<String>();
    var c = source.columns();
    taken.add(c.series());
    taken.add(c.time());
    taken.add(c.arrival());
    taken.add(label);
    var candidates = table.names().stream().filter(n -> !taken.contains(n)).toList();
    if (table.isText()) {
      return wanted.isEmpty() ? numericInText(candidates, maxBadShare) : candidates;
    }
    return candidates.stream().filter(n -> isNumeric(table.type(n)) || wanted.contains(n)).toList();
  }

  private List<String> numericInText(List<String> candidates, double maxBadShare) {
    var counts = new ArrayList<Column>();
    for (String name : candidates) {
      Column text = trim(table.column(name));
      Column number = expr("try_cast(trim(%s) as double)".formatted(table.column(name)));
      counts.add(org.apache.spark.sql.functions.count(when(text.notEqual(""), 1)));
      counts.add(
          org.apache.spark.sql.functions.count(when(text.notEqual("").and(number.isNull()), 1)));
    }
    if (counts.isEmpty()) {
      return List.of();
    }
    Row row =
        table.reading(
            () ->
                table
                    .rows()
                    .agg(counts.get(0), counts.subList(1, counts.size()).toArray(Column[]::new))
                    .head());
    var numeric = new ArrayList<String>();
    for (int i = 0; i < candidates.size(); i++) {
      long filled = row.getLong(2 * i);
      if (filled > 0 && row.getLong(2 * i + 1) <= filled * maxBadShare) {
        numeric.add(candidates.get(i));
      }
    }
    return numeric;
  }

  /** Columns (long: nothing, tags are free) that no setting asks for. */
  public List<String> extraColumns(Channels channels) {
    var known = new HashSet<>(channels.stored());
    var c = source.columns();
    known.add(c.series());
    known.add(c.time());
    known.add(c.tag());
    known.add(c.value());
    known.add(c.quality());
    known.add(c.arrival());
    known.add(channels.label());
    return table.names().stream().filter(n -> !known.contains(n)).toList();
  }

  /** Distinct label values, in order: by number where all are numbers, else as text. */
  public List<String> classes(String label) {
    Dataset<Row> labels;
    if (source.layout() == Layout.LONG) {
      labels =
          table
              .rows()
              .where(trim(table.column(source.columns().tag()).cast("string")).equalTo(label))
              .select(className(source.columns().value()).as("label"));
    } else {
      requirePlain(table, label, "target.label");
      labels = table.rows().select(className(label).as("label"));
    }
    List<Row> rows =
        table.reading(
            () ->
                labels
                    .where("label is not null")
                    .distinct()
                    .limit(MAX_CLASSES + 1)
                    .collectAsList());
    if (rows.isEmpty()) {
      throw new InvalidInputException(
          "%s: no row has a value of the label \"%s\" (target.label)."
              .formatted(table.described(), label));
    }
    if (rows.size() > MAX_CLASSES) {
      throw new InvalidInputException(
          "%s: the label \"%s\" (target.label) has more than %d distinct values, so it is no class. Name another column, or forecast it."
              .formatted(table.described(), label, MAX_CLASSES));
    }
    return SeriesOrder.sorted(rows.stream().map(r -> r.getString(0)).toList());
  }

  // 1, 1.0 and "1" are one class
  private Column className(String column) {
    Column text = trim(table.column(column).cast("string"));
    String name = table.column(column).toString();
    Column number = expr("try_cast(trim(cast(%s as string)) as double)".formatted(name));
    Column whole = number.cast("bigint");
    return when(text.equalTo(""), lit(null).cast("string"))
        .when(number.isNotNull().and(whole.cast("double").equalTo(number)), whole.cast("string"))
        .otherwise(text);
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
        Judged value = judge(channels.stored().get(i), "features.channels");
        columns.add(value.usable().as("v" + i));
        columns.add(value.isUnparsable().as("u" + i));
        columns.add(value.isNotFinite().as("f" + i));
      }
      if (channels.label() != null) {
        int i = channels.stored().size();
        columns.add(classIndex(className(channels.label()), classes).as("v" + i));
        columns.add(lit(false).as("u" + i));
        columns.add(lit(false).as("f" + i));
      }
    } else {
      Column tag = trim(table.column(source.columns().tag()).cast("string"));
      Judged value = judge(source.columns().value(), "source.columns.value");
      Column channel = array_position(strings(channels.stored()), tag).minus(1).cast("int");
      Column usable = value.usable();
      Column isUnparsable = value.isUnparsable();
      if (channels.label() != null) {
        Column isLabel = tag.equalTo(channels.label());
        channel = when(isLabel, lit(channels.stored().size())).otherwise(channel);
        usable =
            when(isLabel, classIndex(className(source.columns().value()), classes))
                .otherwise(usable);
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

  private Dataset<Row> timed() {
    return table
        .rows()
        .withColumn("_series", series())
        .withColumn("_time", TimeColumn.encoded(table, source.columns().time(), source.time()))
        .withColumn("_arrival", arrival());
  }

  private static Column classIndex(Column name, List<String> classes) {
    Column position = array_position(strings(classes), name);
    return when(position.gt(0), position.minus(1).cast("double"));
  }

  private static Column strings(List<String> values) {
    return array(values.stream().map(org.apache.spark.sql.functions::lit).toArray(Column[]::new));
  }

  private Column series() {
    if (source.seriesFrom() == SeriesFrom.SINGLE) {
      return lit(SINGLE_SERIES);
    }
    if (source.seriesFrom() == SeriesFrom.FILE) {
      return udf(new SeriesOfFile(SeriesOfFile.root(source.path())), DataTypes.StringType)
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

  private record Judged(Column usable, Column isUnparsable, Column isNotFinite) {}

  private Judged judge(String name, String setting) {
    DataType type = table.type(name);
    Column raw = table.column(name);
    if (type instanceof StringType) {
      if (!table.isText() && source.layout() == Layout.WIDE && !source.format().equals("json")) {
        throw wrongType(name, setting, type);
      }
      Column number = expr("try_cast(trim(%s) as double)".formatted(raw));
      Column isFinite = org.apache.spark.sql.functions.not(isNotFinite(number));
      return new Judged(
          when(isFinite, number),
          coalesce(trim(raw).notEqual("").and(number.isNull()), lit(false)),
          coalesce(isNotFinite(number), lit(false)));
    }
    if (type instanceof BooleanType) {
      return new Judged(raw.cast("int").cast("double"), lit(false), lit(false));
    }
    if (type instanceof DoubleType || type instanceof FloatType) {
      Column number = raw.cast("double");
      return new Judged(
          when(org.apache.spark.sql.functions.not(isNotFinite(number)), number),
          lit(false),
          coalesce(isNotFinite(number), lit(false)));
    }
    if (type instanceof NumericType || type instanceof DecimalType) {
      return new Judged(raw.cast("double"), lit(false), lit(false));
    }
    throw wrongType(name, setting, type);
  }

  private InvalidInputException wrongType(String name, String setting, DataType type) {
    return new InvalidInputException(
        "%s: column %s (%s) has type %s, but a channel must be numeric. Leave it out of %s or convert it."
            .formatted(table.described(), name, setting, type.simpleString(), setting));
  }

  // datasets hold float32: what rounds to its infinity is as useless as infinity
  private static Column isNotFinite(Column number) {
    return isnan(number).or(abs(number).geq(FLOAT_INFINITY));
  }

  private static boolean isNumeric(DataType type) {
    return type instanceof NumericType || type instanceof BooleanType;
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
