package io.sluice.failure;

/** Input data is missing, unreadable or breaks its contract; exit status 3. */
public class InvalidInputException extends UserFailure {
  private static final long serialVersionUID = 1L;

  /** A failure with nothing behind it but the data or the rule that the message names. */
  public InvalidInputException(String message) {
    this(message, null);
  }

  /** A failure with a technical cause, which goes to the debug log. */
  public InvalidInputException(String message, Throwable cause) {
    super(ExitStatus.BAD_INPUT, message, cause);
  }
}
