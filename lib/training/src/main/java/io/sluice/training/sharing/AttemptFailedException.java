package io.sluice.training.sharing;

/** An attempt was lost for a reason that another attempt may not meet. */
final class AttemptFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message who was lost, where, and why, a sentence
   */
  AttemptFailedException(String message) {
    super(message);
  }
}
