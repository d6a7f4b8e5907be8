package io.sluice.sequences.source;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.OperationFailedException;
import java.io.IOException;
import org.apache.spark.SparkException;
import org.junit.jupiter.api.Test;

/** Which disk is full: the one that is written to, or Spark's own. */
class WriteFailuresTest {
  private static final String SLUICE = "io.sluice.sequences.telemetry.store.PartTask";

  @Test
  void aFullDiskUnderAWrittenFileNamesTheTarget() {
    assertThatThrownBy(
            () ->
                fail(
                    "java.io.FileOutputStream",
                    "org.apache.hadoop.fs.FSDataOutputStream",
                    "org.apache.parquet.hadoop.ParquetFileWriter",
                    SLUICE,
                    "org.apache.spark.shuffle.ShuffleWriteProcessor"))
        .isInstanceOf(OperationFailedException.class)
        .hasMessage(
            "Cannot write lake/dataset: no space left (No space left on device). Free space there or choose another path.");
  }

  @Test
  void aFullDiskUnderSparksOwnFilesNamesSparksSetting() {
    assertThatThrownBy(
            () ->
                fail(
                    "java.io.FileOutputStream",
                    "org.apache.spark.storage.DiskBlockObjectWriter",
                    SLUICE))
        .isInstanceOf(OperationFailedException.class)
        .hasMessage(
            "Cannot work on source.path raw: no space left on device (No space left on device). Free space, or set spark.local.dir to a larger disk.");
  }

  private static void fail(String... frames) {
    var full = new IOException("No space left on device");
    var trace = new StackTraceElement[frames.length];
    for (int i = 0; i < frames.length; i++) {
      trace[i] = new StackTraceElement(frames[i], "write", null, -1);
    }
    full.setStackTrace(trace);
    WriteFailures.guard(
        "source.path raw",
        "lake/dataset",
        () -> {
          throw new SparkException("Job aborted", full);
        });
  }
}
