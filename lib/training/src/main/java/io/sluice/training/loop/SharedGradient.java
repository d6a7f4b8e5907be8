package io.sluice.training.loop;

import io.sluice.recurrent.optim.GradientExchange;
import io.sluice.training.allreduce.AllReduce;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Brings a step's gradient together over the ranks, range by range while the backward pass goes on,
 * and with its loss what else all of them must know: whether anyone asks to stop, and whether
 * anyone asks that nothing is held back.
 */
public abstract sealed class SharedGradient implements GradientExchange
    permits SummedGradient, ThresholdGradient {
  private final AllReduce ranks;
  private final Duration deadline;
  private final BooleanSupplier stopAsked;
  private long examples;
  private boolean wholeAsked;
  private boolean isWhole;
  private boolean anyAskedToStop;
  private boolean wasAskedToBeWhole;
  private long waitedNanos;

  /**
   * @param deadline for the slowest rank's part of a step
   * @param stopAsked whether this rank is asked to stop
   */
  SharedGradient(AllReduce ranks, Duration deadline, BooleanSupplier stopAsked) {
    this.ranks = ranks;
    this.deadline = deadline;
    this.stopAsked = stopAsked;
  }

  /**
   * @param threshold how gradients are encoded; empty where they are summed
   * @param deadline for the slowest rank's part of a step
   * @param stopAsked whether this rank is asked to stop
   */
  public static SharedGradient of(
      AllReduce ranks,
      Optional<ThresholdSettings> threshold,
      Duration deadline,
      BooleanSupplier stopAsked) {
    return threshold.isPresent()
        ? new ThresholdGradient(ranks, deadline, stopAsked, threshold.get())
        : new SummedGradient(ranks, deadline, stopAsked);
  }

  /**
   * Before a step.
   *
   * @param examples B, over all ranks
   * @param wholeAsked whether nothing may be held back, because a checkpoint is to follow
   */
  public final void begin(long examples, boolean wholeAsked) {
    this.examples = examples;
    this.wholeAsked = wholeAsked;
  }

  @Override
  public final double await(double loss) {
    long start = System.nanoTime();
    try {
      double own = collect() ? loss : Double.NaN;
      double[] sums =
          ranks.sum(new double[] {own, stopAsked.getAsBoolean() ? 1 : 0, wholeAsked ? 1 : 0});
      anyAskedToStop = sums[1] > 0;
      wasAskedToBeWhole = sums[1] + sums[2] > 0;
      isWhole = wasAskedToBeWhole ? collectRest() : holdsNothing();
      return sums[0];
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while gradients were summed", e);
    } finally {
      end();
      waitedNanos += System.nanoTime() - start;
    }
  }

  /**
   * Waits for what was begun.
   *
   * @return whether this rank's gradient is finite, as far as that is looked at
   */
  abstract boolean collect() throws InterruptedException;

  /**
   * Adds to the gradient what is held back, on all ranks.
   *
   * @return true
   */
  abstract boolean collectRest() throws InterruptedException;

  /** Whether the gradients of all steps so far are in what was handed out. */
  abstract boolean holdsNothing();

  /** After a step, however it ended. */
  abstract void end();

  final AllReduce ranks() {
    return ranks;
  }

  final Duration deadline() {
    return deadline;
  }

  /** B of the step under way. */
  final long examples() {
    return examples;
  }

  /** Whether any rank was asked to stop before the last step's end; the same on all. */
  public final boolean anyAskedToStop() {
    return anyAskedToStop;
  }

  /**
   * Whether any rank asked that the last step holds nothing back, because a checkpoint is to
   * follow; the same on all.
   */
  public final boolean wasAskedToBeWhole() {
    return wasAskedToBeWhole;
  }

  /**
   * Whether the last step left nothing held back on any rank, so that the parameters are all there
   * is to keep; the same on all.
   */
  public final boolean isWhole() {
    return isWhole;
  }

  /** Time in {@link #await} since this was last asked. */
  public final long takeWaitedNanos() {
    long nanos = waitedNanos;
    waitedNanos = 0;
    return nanos;
  }

  /** The memory of array[from, to). */
  static ByteBuffer bytes(INDArray array, long from, long to) {
    return new FloatPointer(array.data().addressPointer())
        .position(from)
        .limit(to)
        .asByteBuffer()
        .order(ByteOrder.nativeOrder());
  }
}
