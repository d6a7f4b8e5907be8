package io.sluice.failure;

/**
 * An operation failed for a reason outside the job (a full disk, a lost permission, a rival run);
 * exit status 1.
 */
public class OperationFailedException extends UserFailure {
  private static final long serialVersionUID = 1L;

  /** A failure with nothing behind it but the data or the rule that the message names. */
  public OperationFailedException(String message) {
    this(message, null);
  }

  /** A failure with a technical cause, which goes to the debug log. */
  public OperationFailedException(String message, Throwable cause) {
    super(ExitStatus.FAILED, message, cause);
  }
}
