package io.sluice.sequences.source;

import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.failure.UserFailure;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.AccessDeniedException;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipException;
import org.apache.commons.lang3.exception.ExceptionUtils;
import org.apache.hadoop.security.AccessControlException;

/** Turns what Spark throws over a file it cannot read into a message that names the file. */
public final class ReadFailures {
  private static final Pattern FILE =
      Pattern.compile("((?:file|hdfs|s3a|abfss?|gs|wasbs?):/{1,3}[^\\s,;'\"\\]})]+)");

  /** Where a task writes is no file that it reads. */
  private static final Pattern TARGET = Pattern.compile("while writing rows to \\S+");

  /** What Spark puts before a task's own words. */
  private static final Pattern OF_TASK =
      Pattern.compile("^Job aborted due to stage failure: .*?\\(TID \\d+\\) \\([^)]*\\): ");

  private ReadFailures() {}

  /** Runs an action on the source; a failure to read it leaves as {@link InvalidInputException}. */
  public static <T> T guard(String source, Callable<T> action) {
    return guard(source, action, () -> null);
  }

  /**
   * The same, where the source can be searched.
   *
   * @param brokenFile finds the file that cannot be read, once Spark has not named it; may give
   *     null
   */
  static <T> T guard(String source, Callable<T> action, Supplier<String> brokenFile) {
    try {
      return action.call();
    } catch (UserFailure e) {
      throw e;
    } catch (Exception e) {
      throw translated(source, e, brokenFile);
    }
  }

  private static RuntimeException translated(
      String source, Exception failure, Supplier<String> brokenFile) {
    List<Throwable> rootFirst = rootFirst(failure);
    for (Throwable t : rootFirst) {
      if (t instanceof UserFailure known) {
        return known;
      }
    }
    for (Throwable t : rootFirst) {
      String text = String.valueOf(t.getMessage());
      if (CsvHeaders.isMismatch(text)) {
        return CsvHeaders.refusal(source, text, file(rootFirst, brokenFile), failure);
      }
      if (text.contains("No space left on device")) {
        return new OperationFailedException(
            "Cannot work on %s: no space left on device (%s). Free space, or set spark.local.dir to a larger disk."
                .formatted(source, oneLine(text)),
            failure);
      }
      if (t.getClass().getSimpleName().equals("SchemaColumnConvertNotSupportedException")
          || text.contains("cannot be converted in file")
          || text.contains("Parquet column cannot be converted")) {
        return new InvalidInputException(
            "Cannot read %s: a column has another type in %s (%s). Give files of one schema."
                .formatted(source, file(rootFirst, brokenFile), oneLine(text)),
            failure);
      }
    }
    for (Throwable t : rootFirst) {
      String reason = reason(t);
      if (reason != null) {
        return new InvalidInputException(
            "Cannot read %s: %s (%s). Replace the file or leave it out."
                .formatted(
                    place(file(rootFirst, brokenFile), source),
                    reason,
                    oneLine(String.valueOf(t.getMessage()))),
            failure);
      }
    }
    return failure instanceof RuntimeException runtime
        ? runtime
        : new OperationFailedException(
            "Cannot work on %s: %s".formatted(source, oneLine(failure.getMessage())), failure);
  }

  private static String reason(Throwable t) {
    String text = String.valueOf(t.getMessage());
    if (t instanceof AccessControlException
        || t instanceof AccessDeniedException
        || text.endsWith("(Permission denied)")) {
      return "no permission";
    }
    if (t instanceof FileNotFoundException && text.contains("does not exist")) {
      return "it was there when the run began and is gone";
    }
    if (t instanceof EOFException
        || text.contains("Unexpected end of input stream")
        || text.contains("length is too low")) {
      return "it ends too early: truncated";
    }
    if (text.contains("CRC checksum verification failed")
        || text.contains("gzip stream CRC failure")) {
      return "its content does not match its checksum: corrupt";
    }
    if (t instanceof ZipException || isOfCodec(t)) {
      return "it is corrupt, not what its compression suffix says";
    }
    String type = t.getClass().getName();
    if (type.startsWith("org.apache.parquet")
        || type.startsWith("org.apache.avro")
        || type.startsWith("org.apache.orc")
        || text.contains("is not a Parquet file")
        || text.contains("corrupted file: the footer")
        || text.contains("Could not read footer")
        || text.contains("Encountered error while reading file")
        || text.contains("FAILED_READ_FILE")
        || text.contains("can not read class org.apache.parquet")
        || text.contains("Not an Avro data file")
        || text.contains("Malformed ORC file")) {
      return "it is truncated, corrupt or of another format";
    }
    return null;
  }

  private static boolean isOfCodec(Throwable t) {
    StackTraceElement[] trace = t.getStackTrace();
    return t instanceof IOException
        && trace.length > 0
        && trace[0].getClassName().startsWith("org.apache.hadoop.io.compress.");
  }

  /** The file that could not be read, as a person would write its path; null if unknown. */
  private static String file(List<Throwable> rootFirst, Supplier<String> brokenFile) {
    for (Throwable t : rootFirst) {
      String text = TARGET.matcher(String.valueOf(t.getMessage())).replaceAll("");
      Matcher matcher = FILE.matcher(text);
      if (matcher.find()) {
        return shown(matcher.group(1));
      }
    }
    String found = brokenFile.get();
    return found == null ? null : shown(found);
  }

  /** A file as a person would write its path. */
  public static String shown(String uri) {
    String text = uri.replaceFirst("[.:]+$", "");
    if (!text.startsWith("file:")) {
      return text;
    }
    try {
      return URI.create(text).getPath();
    } catch (IllegalArgumentException e) {
      return text; // a blank that Spark did not escape
    }
  }

  private static String place(String file, String source) {
    return file == null
        ? "a file of " + source
        : source.endsWith(file) ? source : "%s of %s".formatted(file, source);
  }

  private static List<Throwable> rootFirst(Throwable failure) {
    List<Throwable> chain = ExceptionUtils.getThrowableList(failure);
    Collections.reverse(chain);
    return chain;
  }

  static String oneLine(String text) {
    String line = String.valueOf(text).strip().lines().findFirst().orElse("").strip();
    line = OF_TASK.matcher(line).replaceFirst("").replaceFirst("[.:]+$", "");
    return line.length() > 300 ? line.substring(0, 300) + "…" : line;
  }
}
