package io.sluice.scoring.batch;

import io.sluice.config.ConfigReader;
import io.sluice.sequences.dataset.TimeAxis;
import org.apache.spark.sql.types.StructType;

/** What the rows of a predictions table are: a table holds those of one format. */
sealed interface TableFormat {

  /** Rows of {@code predictions.v1}: of windows of series, by the type of their origins. */
  record OfWindows(TimeAxis.Type time) implements TableFormat {
    @Override
    public String name() {
      return PredictionsSchema.FORMAT;
    }

    @Override
    public String described() {
      return "origins of type " + ConfigReader.kebab(time);
    }

    @Override
    public StructType fileColumns() {
      return PredictionsSchema.fileColumns(time);
    }

    @Override
    public StructType tableColumns() {
      return PredictionsSchema.tableColumns(time);
    }
  }

  /** Rows of {@code document-predictions.v1}: of documents. */
  record OfDocuments() implements TableFormat {
    @Override
    public String name() {
      return DocumentSchema.FORMAT;
    }

    @Override
    public String described() {
      return "documents";
    }

    @Override
    public StructType fileColumns() {
      return DocumentSchema.fileColumns();
    }

    @Override
    public StructType tableColumns() {
      return DocumentSchema.tableColumns();
    }
  }

  /** Name and version of the schema. */
  String name();

  /** What there is a row of, for messages. */
  String described();

  /** The columns inside the files, in order. */
  StructType fileColumns();

  /** What a reader of the table sees: the columns of the files, then those of the folders. */
  StructType tableColumns();
}
