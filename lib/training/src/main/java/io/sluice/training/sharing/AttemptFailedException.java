package io.sluice.training.sharing;

import java.util.Set;

/** An attempt was lost for a reason that another attempt may not meet. */
final class AttemptFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Set<String> lostExecutors;

  /**
   * @param message who was lost, where, and why, a sentence
   * @param lostExecutors whose ranks were no longer heard of
   */
  AttemptFailedException(String message, Set<String> lostExecutors) {
    super(message);
    this.lostExecutors = Set.copyOf(lostExecutors);
  }

  Set<String> lostExecutors() {
    return lostExecutors;
  }
}
