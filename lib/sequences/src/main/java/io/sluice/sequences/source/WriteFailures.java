package io.sluice.sequences.source;

import io.sluice.failure.UserFailure;
import io.sluice.sequences.lake.Lake;
import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.apache.commons.lang3.exception.ExceptionUtils;

/**
 * Tells a failed write inside a Spark job from a failed read, and says what it means to the user.
 */
public final class WriteFailures {
  private WriteFailures() {}

  /** Runs a job that writes below {@code target} and reads {@code source}. */
  public static <T> T guard(String source, String target, Callable<T> action) {
    return guard(source, target, action, () -> null);
  }

  /**
   * The same, where the source can be searched.
   *
   * @param brokenFile as {@link RawTable#brokenFile}
   */
  public static <T> T guard(
      String source, String target, Callable<T> action, Supplier<String> brokenFile) {
    return ReadFailures.guard(
        source,
        () -> {
          try {
            return action.call();
          } catch (UserFailure e) {
            throw e;
          } catch (Exception e) {
            Exception write = rootOfWrite(e);
            if (write != null) {
              throw Lake.writeFailure(target, write);
            }
            throw e;
          }
        },
        brokenFile);
  }

  /** The deepest failure of a write: Parquet speaks of a page header where the disk is full. */
  private static Exception rootOfWrite(Throwable failure) {
    Exception root = null;
    for (Throwable t : ExceptionUtils.getThrowables(failure)) {
      if (t instanceof IOException io && Lake.isWriteTrouble(io) && !isSpill(io)) {
        root = io;
      }
    }
    return root;
  }

  /** A full disk under Spark's own temporary files is another disk, and another setting. */
  private static boolean isSpill(IOException failure) {
    for (StackTraceElement frame : failure.getStackTrace()) {
      String name = frame.getClassName();
      if (name.startsWith("org.apache.hadoop.fs.") || name.startsWith("org.apache.parquet.")) {
        return false;
      }
      if (name.startsWith("org.apache.spark.shuffle.")
          || name.startsWith("org.apache.spark.storage.")
          || name.startsWith("org.apache.spark.util.collection.")) {
        return true;
      }
    }
    return false;
  }
}
