package io.sluice.failure;

/**
 * A failure whose message is all that a user needs: it is printed without a stack trace, and {@link
 * #exitStatus()} becomes the status of the process.
 */
public abstract class UserFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ExitStatus exitStatus;

  /**
   * @param exitStatus what the process exits with
   * @param message what is wrong, the value, the rule, where, what to do
   * @param cause the technical cause, kept for the debug log; may be null
   */
  protected UserFailure(ExitStatus exitStatus, String message, Throwable cause) {
    super(message, cause);
    this.exitStatus = exitStatus;
  }

  /** The status the process exits with. */
  public final ExitStatus exitStatus() {
    return exitStatus;
  }
}
