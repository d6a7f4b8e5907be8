package io.sluice.training;

import io.sluice.failure.UserFailure;
import java.util.List;

/** Several failures at once; the exit status is that of the first. */
final class SeveralFailuresException extends UserFailure {
  private static final long serialVersionUID = 1L;

  SeveralFailuresException(String message, List<UserFailure> failures) {
    super(failures.get(0).exitStatus(), message, failures.get(0));
    failures.subList(1, failures.size()).forEach(this::addSuppressed);
  }
}
