package io.sluice.jobs;

import io.sluice.failure.ExitStatus;

/** Leaves {@code main} in cluster mode, where the cluster manager shows an exception's message. */
final class JobFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  JobFailedException(String job, ExitStatus status, Throwable failure) {
    super(
        "%s failed with exit status %d: %s"
            .formatted(job, status.code(), failure == null ? "bad usage" : failure.getMessage()),
        failure);
  }
}
