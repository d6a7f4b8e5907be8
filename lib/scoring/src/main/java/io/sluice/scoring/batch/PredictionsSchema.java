package io.sluice.scoring.batch;

import static org.apache.parquet.schema.LogicalTypeAnnotation.stringType;
import static org.apache.parquet.schema.LogicalTypeAnnotation.timestampType;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.BINARY;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.FLOAT;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.INT32;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.INT64;

import io.sluice.sequences.dataset.TimeAxis;
import java.time.Instant;
import java.time.LocalDate;
import java.time.temporal.ChronoUnit;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeUnit;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Types;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * The columns of {@code data-schemas/predictions.v1.json} and the partition an origin falls into.
 *
 * <p>Ticks are microseconds since the epoch, or ordinal numbers ({@link TimeAxis}). Timestamps go
 * to the UTC date of the origin, ordinal origins to blocks of {@value #ORDINAL_BLOCK} numbers.
 */
final class PredictionsSchema {
  static final String FORMAT = "predictions.v1";

  /** Ordinal origins a partition spans; a fixed number, so that every run agrees on it. */
  static final long ORDINAL_BLOCK = 100_000;

  static final long MICROS_PER_DAY = 86_400_000_000L;

  private PredictionsSchema() {}

  /** The columns inside the files, in order. */
  static StructType fileColumns(TimeAxis.Type time) {
    return new StructType()
        .add("series", DataTypes.StringType)
        .add("origin", originType(time))
        .add("horizon_step", DataTypes.IntegerType)
        .add("target", DataTypes.StringType)
        .add("prediction", DataTypes.FloatType)
        .add("lower", DataTypes.FloatType)
        .add("upper", DataTypes.FloatType)
        .add("class_probabilities", DataTypes.createArrayType(DataTypes.FloatType))
        .add("predicted_class", DataTypes.StringType)
        .add("model_name", DataTypes.StringType)
        .add("model_version", DataTypes.IntegerType)
        .add("bundle_hash", DataTypes.StringType)
        .add("run_id", DataTypes.StringType)
        .add("scored_at", DataTypes.TimestampType);
  }

  /** What a reader of the table sees: the columns of the files, then those of the folders. */
  static StructType tableColumns(TimeAxis.Type time) {
    return fileColumns(time).add("model", DataTypes.StringType).add("date", partitionType(time));
  }

  /** {@link #fileColumns} as the files hold them; what is never null is required. */
  static MessageType parquet(TimeAxis.Type time) {
    var message = Types.buildMessage();
    message.required(BINARY).as(stringType()).named("series");
    if (time == TimeAxis.Type.TIMESTAMP) {
      message.required(INT64).as(timestampType(true, TimeUnit.MICROS)).named("origin");
    } else {
      message.required(INT64).named("origin");
    }
    message.required(INT32).named("horizon_step");
    message.required(BINARY).as(stringType()).named("target");
    message.optional(FLOAT).named("prediction");
    message.optional(FLOAT).named("lower");
    message.optional(FLOAT).named("upper");
    message.optionalList().optionalElement(FLOAT).named("class_probabilities");
    message.optional(BINARY).as(stringType()).named("predicted_class");
    message.required(BINARY).as(stringType()).named("model_name");
    message.required(INT32).named("model_version");
    message.required(BINARY).as(stringType()).named("bundle_hash");
    message.required(BINARY).as(stringType()).named("run_id");
    message.required(INT64).as(timestampType(true, TimeUnit.MICROS)).named("scored_at");
    return message.named("predictions_v1");
  }

  static DataType originType(TimeAxis.Type time) {
    return switch (time) {
      case TIMESTAMP -> DataTypes.TimestampType;
      case ORDINAL -> DataTypes.LongType;
    };
  }

  static DataType partitionType(TimeAxis.Type time) {
    return switch (time) {
      case TIMESTAMP -> DataTypes.DateType;
      case ORDINAL -> DataTypes.StringType;
    };
  }

  /** The folder an origin falls into: {@code date=2024-05-01}, or {@code date=0000000012}. */
  static String partition(TimeAxis.Type time, long origin) {
    return TableLayout.DATE_PREFIX + partitionValue(time, partitionNumber(time, origin));
  }

  /** Days since the epoch, or the number of the block. */
  static long partitionNumber(TimeAxis.Type time, long origin) {
    return Math.floorDiv(origin, partitionTicks(time));
  }

  /** Ticks of one partition. */
  static long partitionTicks(TimeAxis.Type time) {
    return switch (time) {
      case TIMESTAMP -> MICROS_PER_DAY;
      case ORDINAL -> ORDINAL_BLOCK;
    };
  }

  private static String partitionValue(TimeAxis.Type time, long number) {
    return switch (time) {
      case TIMESTAMP -> LocalDate.ofEpochDay(number).toString();
      case ORDINAL -> "%010d".formatted(number);
    };
  }

  /** An instant on the axis of time stamps. */
  static long ticks(Instant instant) {
    return ChronoUnit.MICROS.between(Instant.EPOCH, instant);
  }

  /** Ticks as people write them: ISO 8601, or the number. */
  static String describe(TimeAxis.Type time, long ticks) {
    return switch (time) {
      case TIMESTAMP -> Instant.EPOCH.plus(ticks, ChronoUnit.MICROS).toString();
      case ORDINAL -> Long.toString(ticks);
    };
  }

  /** Spark SQL for {@link #partitionNumber} of a bigint column of ticks. */
  static String partitionNumberSql(TimeAxis.Type time, String ticks) {
    return "((%1$s - pmod(%1$s, %2$dL)) div %2$dL)".formatted(ticks, partitionTicks(time));
  }

  /** Spark SQL that turns an origin column into ticks. */
  static String ticksSql(TimeAxis.Type time, String origin) {
    return switch (time) {
      case TIMESTAMP -> "unix_micros(%s)".formatted(origin);
      case ORDINAL -> origin;
    };
  }
}
