package io.sluice.sequences.telemetry.source;

import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.failure.UserFailure;
import java.io.EOFException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipException;

/** Turns what Spark throws over a file it cannot read into a message that names the file. */
public final class ReadFailures {
  private static final Pattern FILE =
      Pattern.compile("((?:file|hdfs|s3a|abfss?|gs|wasbs?)://?[^\\s,;'\"\\]})]+)");

  private ReadFailures() {}

  /** Runs an action on the source; a failure to read it leaves as {@link InvalidInputException}. */
  public static <T> T guard(String source, Callable<T> action) {
    try {
      return action.call();
    } catch (UserFailure e) {
      throw e;
    } catch (Exception e) {
      throw translated(source, e);
    }
  }

  private static RuntimeException translated(String source, Exception failure) {
    List<Throwable> chain = chain(failure);
    for (Throwable t : chain) {
      if (t instanceof UserFailure known) {
        return known;
      }
    }
    for (Throwable t : chain) {
      String text = String.valueOf(t.getMessage());
      if (text.contains("does not conform to the schema") || text.contains("CSV header")) {
        return new InvalidInputException(
            "Cannot read %s: its files have different columns. %s Give files of one shape, or read them one by one."
                .formatted(source, oneLine(text)),
            failure);
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
                .formatted(source, file(chain), oneLine(text)),
            failure);
      }
    }
    for (Throwable t : chain) {
      String reason = corruption(t);
      if (reason != null) {
        return new InvalidInputException(
            "Cannot read %s of %s: %s (%s). Replace the file or leave it out."
                .formatted(file(chain), source, reason, oneLine(String.valueOf(t.getMessage()))),
            failure);
      }
    }
    return failure instanceof RuntimeException runtime
        ? runtime
        : new OperationFailedException(
            "Cannot work on %s: %s".formatted(source, oneLine(failure.toString())), failure);
  }

  private static String corruption(Throwable t) {
    String text = String.valueOf(t.getMessage());
    if (text.contains("is not a Parquet file") || text.contains("Could not read footer")) {
      return "it is truncated or not a Parquet file";
    }
    if (t instanceof EOFException || text.contains("Unexpected end of input stream")) {
      return "it ends in the middle: truncated";
    }
    if (t instanceof ZipException
        || text.contains("not a gzip file")
        || text.contains("incorrect header check")
        || text.contains("incorrect data check")
        || text.contains("invalid stored block lengths")
        || text.contains("invalid distance")
        || text.contains("invalid block type")
        || text.contains("invalid code lengths")
        || text.contains("invalid literal")) {
      return "it is corrupt, not what its compression suffix says";
    }
    String type = t.getClass().getName();
    if (type.startsWith("org.apache.parquet")
        || type.startsWith("org.apache.avro")
        || type.startsWith("org.apache.orc")
        || type.contains("ParquetDecodingException")
        || text.contains("Encountered error while reading file")
        || text.contains("FAILED_READ_FILE")
        || text.contains("can not read class org.apache.parquet")
        || text.contains("Not an Avro data file")
        || text.contains("Malformed ORC file")) {
      return "it is truncated or corrupt";
    }
    return null;
  }

  private static String file(List<Throwable> chain) {
    // the file Spark was reading is named nearest to the top
    for (Throwable t : chain) {
      Matcher matcher = FILE.matcher(String.valueOf(t.getMessage()));
      if (matcher.find()) {
        String found = matcher.group(1);
        return found.endsWith(".") ? found.substring(0, found.length() - 1) : found;
      }
    }
    return "a file";
  }

  private static List<Throwable> chain(Throwable failure) {
    var chain = new ArrayList<Throwable>();
    for (Throwable t = failure; t != null && !chain.contains(t); t = t.getCause()) {
      chain.add(t);
    }
    return chain;
  }

  private static String oneLine(String text) {
    String line = text.strip().lines().findFirst().orElse("").strip();
    return line.length() > 300 ? line.substring(0, 300) + "…" : line;
  }
}
