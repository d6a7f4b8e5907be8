package io.sluice.sequences.dataset;

import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** The columns of a segment part with the types Spark reads them in. */
public final class SegmentSchema {
  private SegmentSchema() {}

  /** Every column that parts of a contract have, in stored order. */
  public static StructType of(WindowContract contract) {
    var schema = new StructType();
    for (String column : SegmentColumns.of(contract)) {
      schema = schema.add(column, type(column, contract));
    }
    return schema;
  }

  private static DataType type(String column, WindowContract contract) {
    if (contract.channels().contains(column)) {
      return DataTypes.FloatType;
    }
    return switch (column) {
      case SegmentColumns.SERIES -> DataTypes.StringType;
      case SegmentColumns.SEGMENT -> DataTypes.LongType;
      case SegmentColumns.TIME ->
          switch (contract.time().type()) {
            case TIMESTAMP -> DataTypes.TimestampType;
            case ORDINAL -> DataTypes.LongType;
          };
      case SegmentColumns.ORIGIN -> DataTypes.BooleanType;
      case SegmentColumns.LABEL -> DataTypes.FloatType;
      default -> DataTypes.ShortType; // age__…
    };
  }
}
