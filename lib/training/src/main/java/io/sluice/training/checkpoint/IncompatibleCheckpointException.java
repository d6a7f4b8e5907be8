package io.sluice.training.checkpoint;

import io.sluice.failure.InvalidInputException;

/** A checkpoint belongs to a run with other settings; exit status 3. */
public final class IncompatibleCheckpointException extends InvalidInputException {
  private static final long serialVersionUID = 1L;

  IncompatibleCheckpointException(String message) {
    super(message);
  }
}
