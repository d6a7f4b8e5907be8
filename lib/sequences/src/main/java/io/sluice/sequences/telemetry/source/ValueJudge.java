package io.sluice.sequences.telemetry.source;

import static org.apache.spark.sql.functions.abs;
import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.array_position;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.isnan;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.not;
import static org.apache.spark.sql.functions.trim;
import static org.apache.spark.sql.functions.when;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.source.RawTable;
import io.sluice.sequences.telemetry.SourceSettings;
import io.sluice.sequences.telemetry.SourceSettings.Layout;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;

/** The values of a table's columns as numbers and as classes, in Spark SQL expressions. */
final class ValueJudge {
  /** Half a unit in the last place above the largest float32: rounds to infinity. */
  private static final double FLOAT_INFINITY = Float.MAX_VALUE + Math.ulp(Float.MAX_VALUE) / 2.0;

  private final RawTable table;
  private final SourceSettings source;

  ValueJudge(RawTable table, SourceSettings source) {
    this.table = table;
    this.source = source;
  }

  /** A value of a row: what can be used of it, null where nothing, and why not. */
  record Judged(Column usable, Column isUnparsable, Column isNotFinite) {}

  /**
   * Judges the values of a column; refuses one whose type holds no numbers.
   *
   * @param setting where the column was asked for
   */
  Judged judge(String name, String setting) {
    DataType type = table.type(name);
    Column raw = table.column(name);
    if (type instanceof StringType) {
      if (!table.isText() && source.layout() == Layout.WIDE && !source.format().equals("json")) {
        throw wrongType(name, setting, type);
      }
      Column number = expr("try_cast(trim(%s) as double)".formatted(raw));
      Column isFinite = not(isNotFinite(number));
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
          when(not(isNotFinite(number)), number),
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

  static boolean isNumeric(DataType type) {
    return type instanceof NumericType || type instanceof BooleanType;
  }

  /** The value of a label as the name of a class: 1, 1.0 and "1" are one. */
  Column className(String column) {
    Column text = trim(table.column(column).cast("string"));
    String name = table.column(column).toString();
    Column number = expr("try_cast(trim(cast(%s as string)) as double)".formatted(name));
    Column whole = number.cast("bigint");
    return when(text.equalTo(""), lit(null).cast("string"))
        .when(number.isNotNull().and(whole.cast("double").equalTo(number)), whole.cast("string"))
        .otherwise(text);
  }

  /** The index of a label's value among the classes; null where it is none of them. */
  Column classIndex(String column, List<String> classes) {
    Column position = array_position(strings(classes), className(column));
    return when(position.gt(0), position.minus(1).cast("double"));
  }

  static Column strings(List<String> values) {
    return array(values.stream().map(functions::lit).toArray(Column[]::new));
  }
}
