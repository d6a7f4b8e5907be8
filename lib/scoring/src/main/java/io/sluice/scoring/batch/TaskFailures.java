package io.sluice.scoring.batch;

import io.sluice.failure.InsufficientClusterException;
import io.sluice.failure.OperationFailedException;
import io.sluice.failure.UserFailure;
import java.util.function.Supplier;

/** A failure that a task met comes wrapped in Spark's own; people need the inner one. */
final class TaskFailures {
  private TaskFailures() {}

  /** Runs the tasks that score an input. */
  static <T> T guard(String input, Supplier<T> tasks) {
    try {
      return tasks.get();
    } catch (UserFailure e) {
      throw e;
    } catch (RuntimeException e) {
      throw ofTheTask(input, e);
    }
  }

  private static RuntimeException ofTheTask(String input, RuntimeException failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
      if (root instanceof InsufficientClusterException refused) {
        return refused;
      }
    }
    return new OperationFailedException(
        "Scoring %s failed and nothing was published: %s".formatted(input, root), failure);
  }
}
