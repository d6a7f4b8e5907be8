package io.sluice.training.checkpoint;

import io.sluice.failure.OperationFailedException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What the other pipeline stages have told the rank that assembles checkpoints: one {@link
 * StagePart} of each stage a step. Told on any thread, awaited on the writer's.
 */
public final class StageParts {
  private final int stages;
  private final TreeMap<Long, Map<Integer, StagePart>> byStep = new TreeMap<>();
  private String aborted;

  /**
   * @param stages P, the first one included
   */
  public StageParts(int stages) {
    this.stages = stages;
  }

  /** Takes in what a stage says. */
  public synchronized void told(StagePart part) {
    if (part.stage() < 1 || part.stage() >= stages) {
      throw new IllegalArgumentException(
          "stage is %d, must be in [1, P = %d)".formatted(part.stage(), stages));
    }
    byStep.computeIfAbsent(part.step(), step -> new TreeMap<>()).put(part.stage(), part);
    notifyAll();
  }

  /** No stage will say any more; ends a wait at once, and those to come. */
  public synchronized void abort(String reason) {
    aborted = reason;
    notifyAll();
  }

  /**
   * Waits until every stage has said how its part of a step's checkpoint went. Steps are awaited in
   * the order in which they are saved; what comes late for an earlier one is forgotten.
   *
   * @return the names of the parts of stages 1, 2, …
   * @throws OperationFailedException if a part could not be written, is late, or will not come
   */
  synchronized List<String> await(long step, Duration deadline) throws InterruptedException {
    long end = System.nanoTime() + deadline.toNanos();
    byStep.headMap(step).clear();
    Map<Integer, StagePart> parts = byStep.computeIfAbsent(step, s -> new TreeMap<>());
    while (parts.size() < stages - 1) {
      if (aborted != null) {
        throw new OperationFailedException(
            "Cannot write the checkpoint of step %d: no part of pipeline %s will come: %s"
                .formatted(step, missing(parts), aborted));
      }
      long left = end - System.nanoTime();
      if (left <= 0) {
        throw new OperationFailedException(
            "Cannot write the checkpoint of step %d: no part of pipeline %s after %d s. See there whether train.checkpoint.path hangs; resume continues from the checkpoint before."
                .formatted(step, missing(parts), deadline.toSeconds()));
      }
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
    byStep.remove(step);
    List<StagePart> failed = parts.values().stream().filter(part -> !part.isWritten()).toList();
    if (!failed.isEmpty()) {
      throw new OperationFailedException(
          failed.stream().map(StagePart::text).collect(Collectors.joining(" ")));
    }
    return parts.values().stream().map(StagePart::text).toList();
  }

  private String missing(Map<Integer, StagePart> parts) {
    List<String> missing =
        IntStream.range(1, stages)
            .filter(stage -> !parts.containsKey(stage))
            .mapToObj(Integer::toString)
            .toList();
    return (missing.size() == 1 ? "stage " : "stages ") + String.join(", ", missing);
  }
}
