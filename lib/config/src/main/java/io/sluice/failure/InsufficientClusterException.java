package io.sluice.failure;

/** The cluster cannot hold the job; exit status 5. */
public class InsufficientClusterException extends UserFailure {
  private static final long serialVersionUID = 1L;

  /** A failure with nothing behind it but the data or the rule that the message names. */
  public InsufficientClusterException(String message) {
    this(message, null);
  }

  /** A failure with a technical cause, which goes to the debug log. */
  public InsufficientClusterException(String message, Throwable cause) {
    super(ExitStatus.CLUSTER_TOO_SMALL, message, cause);
  }
}
