package io.sluice.scoring.batch;

import java.time.LocalDate;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** The columns of {@code data-schemas/document-predictions.v1.json}. */
final class DocumentSchema {
  static final String FORMAT = "document-predictions.v1";

  private static final StructType ATTENDED =
      new StructType()
          .add("token", DataTypes.StringType, false)
          .add("weight", DataTypes.FloatType, false);

  private DocumentSchema() {}

  /** The columns inside the files, in order. */
  static StructType fileColumns() {
    return new StructType()
        .add("id", DataTypes.StringType, false)
        .add("input", DataTypes.StringType, false)
        .add("predicted_class", DataTypes.StringType)
        .add("class_probabilities", DataTypes.createArrayType(DataTypes.FloatType, false))
        .add("log_probability", DataTypes.DoubleType)
        .add("scored_tokens", DataTypes.IntegerType)
        .add("perplexity", DataTypes.DoubleType)
        .add("tokens", DataTypes.IntegerType, false)
        .add("cut_tokens", DataTypes.IntegerType, false)
        .add("unknown_tokens", DataTypes.IntegerType, false)
        .add("attention", DataTypes.createArrayType(ATTENDED, false))
        .add("label", DataTypes.StringType)
        .add("model_name", DataTypes.StringType, false)
        .add("model_version", DataTypes.IntegerType, false)
        .add("bundle_hash", DataTypes.StringType, false)
        .add("run_id", DataTypes.StringType, false)
        .add("scored_at", DataTypes.TimestampType, false);
  }

  /** What a reader of the table sees: the columns of the files, then those of the folders. */
  static StructType tableColumns() {
    return fileColumns().add("model", DataTypes.StringType).add("date", DataTypes.DateType);
  }

  /** The folder of a date. */
  static String partition(LocalDate date) {
    return TableLayout.DATE_PREFIX + date;
  }
}
