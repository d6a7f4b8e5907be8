package io.sluice.sequences.telemetry.source;

import io.sluice.failure.UserFailure;
import io.sluice.sequences.lake.Lake;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.util.concurrent.Callable;
import org.apache.hadoop.security.AccessControlException;

/**
 * Tells a failed write inside a Spark job from a failed read, and says what it means to the user.
 */
public final class WriteFailures {
  private WriteFailures() {}

  /** Runs a job that writes below {@code target} and reads {@code source}. */
  public static <T> T guard(String source, String target, Callable<T> action) {
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
        });
  }

  private static Exception rootOfWrite(Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      String text = String.valueOf(t.getMessage());
      boolean isWrite =
          text.contains("No space left on device")
              || text.contains("Disk quota exceeded")
              || t instanceof AccessControlException
              || t instanceof AccessDeniedException
              || text.contains("Mkdirs failed to create")
              || text.contains("Permission denied");
      if (isWrite && t instanceof IOException io) {
        return io;
      }
    }
    return null;
  }
}
