package io.sluice.training.loop;

import io.sluice.recurrent.optim.GradientExchange;
import io.sluice.training.allreduce.AllReduce;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Sums a step's gradient over the ranks, range by range while the backward pass goes on, and with
 * its loss what else all of them must know: whether anyone asks to stop.
 */
final class SharedGradient implements GradientExchange {
  private final AllReduce ranks;
  private final Duration deadline;
  private final BooleanSupplier stopAsked;
  private final List<AllReduce.Pending> pending = new ArrayList<>();
  private boolean anyAskedToStop;
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

  @Override
  public void ready(INDArray gradient, long from, long to) {
    pending.add(ranks.sum(bytes(gradient, from, to)));
  }

  @Override
  public double await(double loss) {
    long start = System.nanoTime();
    try {
      for (AllReduce.Pending each : pending) {
        each.await(deadline);
      }
      double[] sums = ranks.sum(new double[] {loss, stopAsked.getAsBoolean() ? 1 : 0});
      anyAskedToStop = sums[1] > 0;
      return sums[0];
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while gradients were summed", e);
    } finally {
      pending.clear();
      waitedNanos += System.nanoTime() - start;
    }
  }

  /** Whether any rank was asked to stop before the last step's end; the same on all. */
  boolean anyAskedToStop() {
    return anyAskedToStop;
  }

  /** Time in {@link #await} since this was last asked. */
  long takeWaitedNanos() {
    long nanos = waitedNanos;
    waitedNanos = 0;
    return nanos;
  }

  /** The memory of gradient[from, to). */
  private static ByteBuffer bytes(INDArray gradient, long from, long to) {
    return new FloatPointer(gradient.data().addressPointer())
        .position(from)
        .limit(to)
        .asByteBuffer()
        .order(ByteOrder.nativeOrder());
  }
}
