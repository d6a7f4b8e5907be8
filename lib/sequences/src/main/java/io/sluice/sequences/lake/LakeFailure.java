package io.sluice.sequences.lake;

import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.failure.UserFailure;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.commons.lang3.exception.ExceptionUtils;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.apache.hadoop.security.AccessControlException;

/** What an I/O failure means to the user: a message with what to do, and an exit status. */
final class LakeFailure {
  private LakeFailure() {}

  /**
   * @param what the thing that is read, "dataset"; it begins no sentence
   */
  static UserFailure reading(String what, String uri, Exception e) {
    String reason = reason(e);
    if (isPermission(e)) {
      return new InvalidInputException(
          "Cannot read the %s at %s: no permission (%s). Grant user %s read access to it."
              .formatted(what, uri, reason, System.getProperty("user.name")),
          e);
    }
    // after permission: Java reports an unreadable local file as one that was not found
    if (anyCause(e, FileNotFoundException.class, NoSuchFileException.class)) {
      return missing(what, uri, e);
    }
    if (isUnknownScheme(e)) {
      return unknownScheme("read the " + what + " at", uri, reason, e);
    }
    if (anyCause(e, EOFException.class)) {
      return new InvalidInputException(
          "Cannot read the %s at %s: it ends too early (%s). Write it again."
              .formatted(what, uri, reason),
          e);
    }
    return new InvalidInputException(
        "Cannot read the %s at %s: %s. Check the path and the storage behind it."
            .formatted(what, uri, reason),
        e);
  }

  static UserFailure missing(String what, String uri, Exception cause) {
    return new InvalidInputException(
        "The %s at %s does not exist. Check the path, or run the job that writes it."
            .formatted(what, uri),
        cause);
  }

  static UserFailure writing(String uri, Exception e) {
    String reason = reason(e);
    if (isFull(e)) {
      return new OperationFailedException(
          "Cannot write %s: no space left (%s). Free space there or choose another path."
              .formatted(uri, reason),
          e);
    }
    if (isPermission(e)) {
      return new OperationFailedException(
          "Cannot write %s: no permission (%s). Grant user %s write access or choose another path."
              .formatted(uri, reason, System.getProperty("user.name")),
          e);
    }
    if (isUnknownScheme(e)) {
      return unknownScheme("write", uri, reason, e);
    }
    return new OperationFailedException(
        "Cannot write %s: %s. Check the path and the storage behind it.".formatted(uri, reason), e);
  }

  private static UserFailure unknownScheme(String doing, String uri, String reason, Exception e) {
    return new InvalidInputException(
        "Cannot %s %s: %s. Put the file system's jar on the class path (spark-submit --packages)."
            .formatted(doing, uri, reason),
        e);
  }

  static boolean isWriteTrouble(Throwable e) {
    return isFull(e) || isPermission(e) || textMatches(e, "mkdirs failed to create");
  }

  private static boolean isFull(Throwable e) {
    return textMatches(
        e, "no space left", "quota", "disk full", "not enough space", "could only be written to 0");
  }

  private static boolean isPermission(Throwable e) {
    return anyCause(e, AccessControlException.class, AccessDeniedException.class)
        || textMatches(e, "permission denied", "access denied", "read-only file system");
  }

  private static boolean isUnknownScheme(Throwable e) {
    return anyCause(e, UnsupportedFileSystemException.class)
        || textMatches(e, "no filesystem for scheme");
  }

  @SafeVarargs
  private static boolean anyCause(Throwable e, Class<? extends Throwable>... types) {
    return Stream.of(types).anyMatch(type -> ExceptionUtils.indexOfType(e, type) >= 0);
  }

  private static boolean textMatches(Throwable e, String... parts) {
    return ExceptionUtils.getThrowableList(e).stream()
        .map(cause -> String.valueOf(cause.getMessage()).toLowerCase(Locale.ROOT))
        .anyMatch(text -> Stream.of(parts).anyMatch(text::contains));
  }

  /** The first line of what the storage said, without the full stop. */
  private static String reason(Throwable e) {
    String message = e.getMessage();
    String text = message == null ? "" : message.lines().findFirst().orElse("").strip();
    text = text.isEmpty() ? e.getClass().getSimpleName() : text;
    return text.endsWith(".") ? text.substring(0, text.length() - 1) : text;
  }
}
