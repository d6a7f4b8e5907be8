package io.sluice.benchmarks;

import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapred.FileSplit;
import org.apache.hadoop.mapreduce.TaskAttemptID;
import org.apache.hadoop.mapreduce.TaskType;
import org.apache.hadoop.mapreduce.task.TaskAttemptContextImpl;
import org.apache.parquet.hadoop.ParquetInputFormat;
import org.apache.spark.sql.execution.datasources.parquet.ParquetReadSupport;
import org.apache.spark.sql.execution.datasources.parquet.VectorizedParquetRecordReader;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.Option;

/**
 * Spark's vectorised Parquet reader and nothing on top: the fastest that Spark can hand over the
 * columns of a file. Its batches of 4096 rows are Spark's default.
 */
final class RawScan {
  /** Takes one batch, which is overwritten by the next. */
  interface Sink {
    void accept(ColumnarBatch batch) throws IOException;
  }

  private RawScan() {}

  /** Reads columns of one file; returns the number of rows. */
  static long read(String file, StructType columns, Configuration hadoop, Sink sink)
      throws IOException {
    var conf = new Configuration(hadoop);
    conf.set("org.apache.spark.sql.parquet.row.requested_schema", columns.json());
    conf.setClass(ParquetInputFormat.READ_SUPPORT_CLASS, ParquetReadSupport.class, Object.class);
    conf.setBoolean("spark.sql.parquet.binaryAsString", false);
    conf.setBoolean("spark.sql.parquet.int96AsTimestamp", true);
    conf.setBoolean("spark.sql.caseSensitive", true);
    conf.setBoolean("spark.sql.parquet.inferTimestampNTZ.enabled", false);
    conf.setBoolean("spark.sql.legacy.parquet.nanosAsLong", false);
    conf.setBoolean("spark.sql.parquet.fieldId.read.enabled", false);
    conf.setBoolean("spark.sql.parquet.fieldId.read.ignoreMissing", false);
    var path = new Path(file);
    long length = path.getFileSystem(conf).getFileStatus(path).getLen();
    var task = new TaskAttemptContextImpl(conf, new TaskAttemptID("", 0, TaskType.MAP, 0, 0));
    long rows = 0;
    try (var reader =
        new VectorizedParquetRecordReader(
            null, "CORRECTED", "UTC", "CORRECTED", "UTC", false, 4096)) {
      reader.initialize(new FileSplit(path, 0, length, new String[0]), task, Option.empty());
      reader.initBatch(new StructType(), null);
      reader.enableReturningBatches();
      while (reader.nextBatch()) {
        ColumnarBatch batch = reader.resultBatch();
        rows += batch.numRows();
        sink.accept(batch);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while reading " + file, e);
    }
    return rows;
  }
}
