package io.sluice.failure;

/** The work was done and a quality gate refused its result; exit status 4. */
public class QualityGateException extends UserFailure {
  private static final long serialVersionUID = 1L;

  /** A failure with nothing behind it but the data or the rule that the message names. */
  public QualityGateException(String message) {
    this(message, null);
  }

  /** A failure with a technical cause, which goes to the debug log. */
  public QualityGateException(String message, Throwable cause) {
    super(ExitStatus.GATE_REFUSED, message, cause);
  }
}
