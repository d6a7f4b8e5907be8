package io.sluice.sequences.text.dataset;

import io.sluice.failure.InvalidInputException;
import io.sluice.failure.UserFailure;
import io.sluice.sequences.dataset.ParquetPart;
import io.sluice.sequences.lake.Lake;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.AccessControlException;
import org.apache.parquet.filter2.predicate.FilterApi;
import org.apache.parquet.filter2.predicate.FilterPredicate;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Some rows of one part, by the number in its first column; pages of others are passed over. */
final class PartRows {
  private static final String REBUILD =
      "Rebuild the dataset with build-sequences, or restore the file.";

  /** Takes a row of the batch at hand. */
  @FunctionalInterface
  interface Taker {
    void take(ParquetPart batch, int row, long number);
  }

  private final String file;
  private final TextManifest.Part part;
  private final StructField[] columns;
  private final Configuration hadoop;

  private PartRows(
      String dataset, TextManifest.Part part, StructType columns, Configuration hadoop) {
    this.file = dataset + "/" + part.path();
    this.part = part;
    this.columns = columns.fields();
    this.hadoop = hadoop;
  }

  /** Columns row, ids, label and, where they are wanted, id. */
  static PartRows ofDocuments(
      String dataset, TextManifest.Part part, boolean named, Configuration hadoop) {
    StructType columns =
        new StructType()
            .add(TextColumns.ROW, DataTypes.LongType, false)
            .add(TextColumns.IDS, DataTypes.createArrayType(DataTypes.IntegerType, false), false)
            .add(TextColumns.LABEL, DataTypes.IntegerType);
    return new PartRows(
        dataset,
        part,
        named ? columns.add(TextColumns.ID, DataTypes.StringType, false) : columns,
        hadoop);
  }

  /** Columns block and ids. */
  static PartRows ofBlocks(String dataset, TextManifest.Part part, Configuration hadoop) {
    return new PartRows(
        dataset,
        part,
        new StructType()
            .add(TextColumns.BLOCK, DataTypes.LongType, false)
            .add(TextColumns.IDS, DataTypes.createArrayType(DataTypes.IntegerType, false), false),
        hadoop);
  }

  /** The ids of a row. */
  static int[] ids(ParquetPart batch, int row) {
    return batch.column(1).getArray(row).toIntArray();
  }

  /** Hands over the rows with numbers {@code from} to {@code to} − 1, in order. */
  void read(long from, long to, Taker taker) {
    long taken = 0;
    try {
      var path = new Path(file);
      ParquetMetadata footer = ParquetPart.footer(path, hadoop);
      requireColumns(footer);
      try (ParquetPart batches = ParquetPart.open(path, footer, columns, rows(from, to), hadoop)) {
        for (int rows = batches.next(); rows > 0; rows = batches.next()) {
          WritableColumnVector numbers = batches.column(0);
          for (int row = 0; row < rows; row++) {
            long number = numbers.getLong(row);
            if (number >= from && number < to) {
              taker.take(batches, row, number);
              taken++;
            }
          }
        }
      }
    } catch (IOException | RuntimeException e) {
      throw failure(e);
    }
    if (taken != to - from) {
      throw new InvalidInputException(
          "%s has %d of the %d rows that its manifest promises from row %d on (%d in all). %s"
              .formatted(file, taken, to - from, from, part.rows(), REBUILD));
    }
  }

  private FilterPredicate rows(long from, long to) {
    var number = FilterApi.longColumn(columns[0].name());
    return FilterApi.and(FilterApi.gtEq(number, from), FilterApi.lt(number, to));
  }

  private void requireColumns(ParquetMetadata footer) {
    var schema = footer.getFileMetaData().getSchema();
    for (StructField column : columns) {
      if (!schema.containsField(column.name())) {
        throw new InvalidInputException(
            "%s lacks column %s (has: %s). %s"
                .formatted(
                    file,
                    column.name(),
                    schema.getFields().stream().map(f -> f.getName()).toList(),
                    REBUILD));
      }
    }
  }

  /** A missing file or a lost permission by itself; whatever else Parquet throws is corruption. */
  private RuntimeException failure(Exception e) {
    if (e instanceof UserFailure known) {
      return known;
    }
    if (e instanceof InterruptedIOException || Thread.currentThread().isInterrupted()) {
      return new IllegalStateException("interrupted while reading " + file, e);
    }
    if (e instanceof FileNotFoundException || e instanceof AccessControlException) {
      return Lake.readFailure("dataset part", file, e);
    }
    String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return new InvalidInputException(
        "%s cannot be read as Parquet: %s. The file is truncated or corrupt. %s"
            .formatted(file, message.lines().findFirst().orElse("").strip(), REBUILD),
        e);
  }
}
