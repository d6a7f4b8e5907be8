package io.sluice.sequences.telemetry.source;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.functions.when;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.source.RawTable;
import io.sluice.sequences.telemetry.SourceSettings;
import java.util.Map;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.TimestampNTZType;
import org.apache.spark.sql.types.TimestampType;

/** Time columns of any type as one encoding: that of {@link TimeText}. */
final class TimeColumn {
  private static final Map<String, Long> MICROS_PER_UNIT =
      Map.of("epoch-seconds", 1_000_000L, "epoch-millis", 1_000L, "epoch-micros", 1L);

  private TimeColumn() {}

  static Column encoded(RawTable table, String name, SourceSettings.Time time) {
    DataType type = table.type(name);
    Column raw = table.column(name);
    if (time.type() == TimeAxis.Type.ORDINAL) {
      if (!(type instanceof NumericType) && !(type instanceof StringType)) {
        throw wrongType(table, name, type, "a whole number with source.time.type = ordinal");
      }
      return whole(raw, 1);
    }
    Long unit = time.format() == null ? null : MICROS_PER_UNIT.get(time.format());
    if (unit != null) {
      if (!(type instanceof NumericType) && !(type instanceof StringType)) {
        throw wrongType(table, name, type, "a number with source.time.format = " + time.format());
      }
      return scaled(raw, unit);
    }
    if (type instanceof TimestampType) {
      return encoded(expr("unix_micros(%s)".formatted(raw)));
    }
    if (type instanceof StringType) {
      return parsed(raw, time.format(), time);
    }
    if (type instanceof DateType || type instanceof TimestampNTZType) {
      // local times: their zone is a setting, and not that of the session
      return parsed(raw.cast("string"), null, time);
    }
    throw wrongType(
        table,
        name,
        type,
        "a time stamp. For numbers set source.time.format to epoch-seconds, epoch-millis or"
            + " epoch-micros, or source.time.type to ordinal");
  }

  private static Column parsed(Column text, String format, SourceSettings.Time time) {
    // non-deterministic: or Spark would evaluate it again in every expression that uses it
    return udf(new TimeText(format, time.zone()), DataTypes.LongType)
        .asNondeterministic()
        .apply(text);
  }

  // text such as "12" or "12.0"; 12.5 is no cycle
  private static Column whole(Column raw, long factor) {
    Column number = expr("try_cast(trim(cast(%s as string)) as decimal(38, 6))".formatted(raw));
    Column isBlank = raw.isNull().or(expr("trim(cast(%s as string)) = ''".formatted(raw)));
    Column isWhole =
        number
            .between(-TimeText.MOST_MICROS, TimeText.MOST_MICROS)
            .and(number.equalTo(number.cast("bigint")));
    return when(isBlank, lit(null).cast("bigint"))
        .when(isWhole, number.cast("bigint").multiply(2 * factor))
        .otherwise(lit(TimeText.UNPARSABLE));
  }

  private static Column scaled(Column raw, long unit) {
    Column micros =
        expr(
            "floor(try_cast(trim(cast(%s as string)) as decimal(26, 6)) * %d)"
                .formatted(raw, unit));
    Column isBlank = raw.isNull().or(expr("trim(cast(%s as string)) = ''".formatted(raw)));
    return when(isBlank, lit(null).cast("bigint"))
        .otherwise(coalesce(encoded(micros), lit(TimeText.UNPARSABLE)));
  }

  /** Microseconds as {@link TimeText} writes them; null for null. */
  private static Column encoded(Column micros) {
    return when(micros.gt(TimeText.MOST_MICROS), lit(TimeText.FAR_FUTURE))
        .when(micros.lt(-TimeText.MOST_MICROS), lit(TimeText.UNPARSABLE))
        .otherwise(micros.cast("bigint").multiply(2));
  }

  /** Arrival as a number that grows with it; unknown arrivals come first. */
  static Column arrival(RawTable table, String name, SourceSettings.Time time) {
    DataType type = table.type(name);
    Column raw = table.column(name);
    Column ticks =
        type instanceof TimestampType
            ? expr("unix_micros(%s)".formatted(raw))
            : type instanceof NumericType
                ? raw.cast("bigint")
                : tick(parsed(raw.cast("string"), null, time));
    return coalesce(ticks, lit(Long.MIN_VALUE));
  }

  /** Microseconds or ordinal number of an encoded time. */
  static Column tick(Column encoded) {
    return org.apache.spark.sql.functions.shiftright(encoded, 1);
  }

  static Column occursTwice(Column encoded) {
    return coalesce(
        encoded.bitwiseAND(lit(1L)).equalTo(1L).and(encoded.notEqual(TimeText.NONEXISTENT)),
        lit(false));
  }

  private static InvalidInputException wrongType(
      RawTable table, String name, DataType type, String rule) {
    return new InvalidInputException(
        "%s: column %s (source.columns.time) has type %s, but must be %s."
            .formatted(table.described(), name, type.simpleString(), rule));
  }
}
