package io.sluice.jobs;

import io.sluice.failure.OperationFailedException;
import io.sluice.failure.UserFailure;
import java.util.List;
import org.apache.commons.lang3.exception.ExceptionUtils;

/** What a process that ran out of memory tells who has to give it more. */
final class OutOfMemory {
  /** How JavaCPP 1.5 begins what it says when it may not, or cannot, allocate. */
  private static final List<String> NATIVE =
      List.of(
          "Failed to allocate memory within limits",
          "Physical memory usage is too high",
          "Native allocator returned address == 0",
          "Cannot allocate new ");

  private static final List<String> HEAP = List.of("Java heap space", "GC overhead limit exceeded");

  private OutOfMemory() {}

  /**
   * @param failure whose causes are looked through, the first that is named last
   * @return null if no memory was short
   */
  static UserFailure in(Throwable failure) {
    UserFailure found = null;
    for (Throwable cause : ExceptionUtils.getThrowables(failure)) {
      if (cause instanceof OutOfMemoryError error && error.getMessage() != null) {
        UserFailure told = told(error, failure);
        found = told == null ? found : told;
      }
    }
    return found;
  }

  private static UserFailure told(OutOfMemoryError error, Throwable failure) {
    String message = error.getMessage();
    if (NATIVE.stream().anyMatch(message::startsWith)) {
      return new OperationFailedException(
          "Out of native memory: %s. Raise SLUICE_OFFHEAP_MEMORY (with it maxBytes and maxPhysicalBytes), or compute less at once: train.accumulate or train.batch-size, evaluate.batch-size, score.batch-size or score.batch-tokens."
              .formatted(message),
          failure);
    }
    if (HEAP.stream().anyMatch(message::startsWith)) {
      return new OperationFailedException(
          "Out of Java heap: %s, of %,d MiB. Raise SLUICE_DRIVER_MEMORY; if an executor ran out, SLUICE_EXECUTOR_MEMORY."
              .formatted(message, Runtime.getRuntime().maxMemory() >> 20),
          failure);
    }
    return null;
  }
}
