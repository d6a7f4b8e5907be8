package io.sluice.sequences.dataset;

import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapred.FileSplit;
import org.apache.hadoop.mapreduce.TaskAttemptID;
import org.apache.hadoop.mapreduce.TaskType;
import org.apache.hadoop.mapreduce.task.TaskAttemptContextImpl;
import org.apache.parquet.filter2.predicate.FilterPredicate;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetInputFormat;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.spark.sql.execution.datasources.parquet.ParquetReadSupport;
import org.apache.spark.sql.execution.datasources.parquet.VectorizedParquetRecordReader;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.Option;

/**
 * Some columns of one Parquet file as column batches, by Spark's vectorised reader, without a Spark
 * session.
 *
 * <p>Columns come in the order they were asked for. A batch is valid until the next one is read.
 */
public final class ParquetPart implements Closeable {
  private static final int ROWS_PER_BATCH = 4096;
  // as Spark names them in ParquetFileFormat and SQLConf
  private static final String REQUESTED_SCHEMA =
      "org.apache.spark.sql.parquet.row.requested_schema";
  private static final List<String> SCHEMA_FLAGS =
      List.of(
          "spark.sql.parquet.binaryAsString",
          "spark.sql.parquet.int96AsTimestamp",
          "spark.sql.caseSensitive",
          "spark.sql.parquet.inferTimestampNTZ.enabled",
          "spark.sql.legacy.parquet.nanosAsLong",
          "spark.sql.parquet.fieldId.read.enabled",
          "spark.sql.parquet.fieldId.read.ignoreMissing");
  private static final List<String> FLAGS_ON =
      List.of("spark.sql.parquet.int96AsTimestamp", "spark.sql.caseSensitive");

  private final VectorizedParquetRecordReader reader;
  private final ColumnarBatch batch;

  private ParquetPart(VectorizedParquetRecordReader reader) {
    this.reader = reader;
    this.batch = reader.resultBatch();
  }

  /** The file's footer: its schema and where its row groups lie. */
  public static ParquetMetadata footer(Path file, Configuration hadoop) throws IOException {
    try (var reader = ParquetFileReader.open(HadoopInputFile.fromPath(file, hadoop))) {
      return reader.getFooter();
    }
  }

  /**
   * Opens a file at some columns, each with the type it shall have in memory.
   *
   * @param rows row groups and pages without a row of these are passed over, others come whole;
   *     null for all rows
   */
  public static ParquetPart open(
      Path file,
      ParquetMetadata footer,
      StructField[] columns,
      FilterPredicate rows,
      Configuration hadoop)
      throws IOException {
    var conf = new Configuration(hadoop);
    if (rows != null) {
      ParquetInputFormat.setFilterPredicate(conf, rows);
      // statistics of row groups and pages are enough; dictionaries would have to be read for it
      conf.setBoolean(ParquetInputFormat.DICTIONARY_FILTERING_ENABLED, false);
      conf.setBoolean(ParquetInputFormat.BLOOM_FILTERING_ENABLED, false);
    }
    for (String flag : SCHEMA_FLAGS) {
      conf.setBoolean(flag, FLAGS_ON.contains(flag));
    }
    conf.set(REQUESTED_SCHEMA, new StructType(columns).json());
    conf.setClass(ParquetInputFormat.READ_SUPPORT_CLASS, ParquetReadSupport.class, Object.class);

    FileSystem fs = file.getFileSystem(conf);
    var split = new FileSplit(file, 0, fs.getFileStatus(file).getLen(), new String[0]);
    var task = new TaskAttemptContextImpl(conf, new TaskAttemptID("", 0, TaskType.MAP, 0, 0));
    // time stamps are written in the proleptic calendar: no rebasing
    var reader =
        new VectorizedParquetRecordReader(
            null, "CORRECTED", "UTC", "CORRECTED", "UTC", false, ROWS_PER_BATCH);
    try {
      reader.initialize(split, task, Option.apply(footer));
      reader.initBatch(new StructType(), null);
      reader.enableReturningBatches();
      return new ParquetPart(reader);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw closing(reader, new InterruptedIOException("interrupted while opening " + file));
    } catch (IOException e) {
      throw closing(reader, e);
    } catch (RuntimeException e) {
      throw closing(reader, e);
    }
  }

  private static <E extends Exception> E closing(VectorizedParquetRecordReader reader, E failure) {
    try {
      reader.close();
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
    return failure;
  }

  /** Rows in the next batch; 0 at the end. */
  public int next() throws IOException {
    return reader.nextBatch() ? batch.numRows() : 0;
  }

  /** A column of the batch at hand. */
  public WritableColumnVector column(int index) {
    return (WritableColumnVector) batch.column(index);
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
