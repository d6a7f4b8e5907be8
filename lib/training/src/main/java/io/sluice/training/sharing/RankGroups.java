package io.sluice.training.sharing;

import io.sluice.training.checkpoint.CheckpointWriter;
import io.sluice.training.loop.Stepper;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * The ranks that a rank exchanges something with, in one group or several, and what it computes
 * with them.
 */
interface RankGroups extends AutoCloseable {

  /** Where this rank is reached, for each of its groups. */
  List<String> addresses();

  /**
   * Links this rank with those it exchanges something with.
   *
   * @param all addresses of all ranks, by rank
   */
  void join(List<List<String>> all, Duration patience) throws InterruptedException;

  /**
   * This rank's steps, once it has joined.
   *
   * @param memoryBytes that it may keep windows in
   * @param stopAsked whether it is asked to stop
   */
  Stepper stepper(long memoryBytes, BooleanSupplier stopAsked);

  /** What of the run's checkpoints this rank writes; empty if nothing. */
  Optional<CheckpointWriter> writer(RankMember member);

  /** Tells all that it is linked with that this rank fails, and why. */
  void abort(String reason);

  @Override
  void close();
}
