package io.sluice.recurrent.optim;

import io.sluice.recurrent.embedding.TouchedRows;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What stands between the gradient of one process's examples and the optimizer where several
 * processes share a batch: the sum over them.
 *
 * <p>In a step every rank makes the same calls with the same ranges in the same order, whatever
 * threads and micro-batches it uses and however few examples it has: {@link #ready} until the
 * gradient is covered, each number once, then {@link #await}. No two calls run at once, but they
 * may come from different threads.
 *
 * <p>After an exception, its own or a layer's, the step is not finished and the exchange has no
 * next one.
 */
public interface GradientExchange {
  /**
   * Numbers of the smallest range but the last: 256 KiB take 0.2 ms on a line of 10 Gbit/s, which
   * is what the messages of one more all-reduce cost before they carry anything. Below it, two
   * all-reduces take about as long as one of both together.
   */
  long LEAST = 1 << 16;

  /**
   * gradient[from, to) holds the sum over this process's examples, and is the exchange's from now
   * on: it may be summed over the ranks in place at any time until {@link #await} returns. Should
   * return soon: the backward pass of lower layers waits.
   *
   * @param gradient (P), the same array in every call
   * @param from the first range ends at P, every other where the one before began
   */
  void ready(INDArray gradient, long from, long to);

  /**
   * The same as {@link #ready} of the rows that a gradient begins with, the last range there is,
   * where it is known which of them may differ from zero. Until {@link #await} returns the list is
   * the exchange's too; from then on it is that of the sum over the ranks.
   *
   * @param touched of this process; not all of the rows
   */
  default void ready(INDArray gradient, RowBlock rows, TouchedRows touched) {
    touched.setAll();
    ready(gradient, 0, rows.numbers());
  }

  /**
   * Waits until all of the gradient is the sum over all ranks, the same bits on each.
   *
   * @param loss this rank's part of the loss
   * @return the sum over all ranks, the same bits on each
   */
  double await(double loss);
}
