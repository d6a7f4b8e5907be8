package io.sluice.recurrent.optim;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.recurrent.embedding.TouchedRows;
import io.sluice.recurrent.pass.TrainingPass;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Ranks as threads. It takes a range at {@code ready} and spoils what is there, so that whoever
 * reads or adds to it later is found out.
 */
public final class InProcessExchange {
  private final CyclicBarrier barrier;
  private final List<Rank> ranks = new ArrayList<>();
  private float[] sum;
  private double loss;
  private final TouchedRows union = new TouchedRows();

  public InProcessExchange(int count) {
    barrier = new CyclicBarrier(count, this::add);
    for (int rank = 0; rank < count; rank++) {
      ranks.add(new Rank());
    }
  }

  public Rank rank(int rank) {
    return ranks.get(rank);
  }

  private void add() {
    sum = new float[ranks.get(0).taken.length];
    loss = 0;
    union.clear();
    for (Rank rank : ranks) {
      assertThat(rank.ranges).isEqualTo(ranks.get(0).ranges);
      assertThat(rank.end).isZero();
      loss += rank.loss;
      if (rank.touched != null) {
        union.add(rank.touched);
      }
      for (int k = 0; k < sum.length; k++) {
        sum[k] += rank.taken[k];
      }
    }
  }

  /** Numbers [from, to) of the gradient. */
  record Range(long from, long to) {}

  public final class Rank implements GradientExchange {
    private INDArray gradient;
    private float[] taken;
    private long end;
    private double loss;
    private List<Range> ranges = List.of();
    private List<Range> early = List.of();
    private TouchedRows touched;

    /** Takes the rows that are touched; the others must be zero. */
    @Override
    public synchronized void ready(INDArray gradient, RowBlock rows, TouchedRows touched) {
      this.touched = touched;
      int E = rows.size();
      float[] all = gradient.get(NDArrayIndex.interval(0, rows.numbers())).dup().data().asFloat();
      for (int k = 0; k < touched.count(); k++) {
        Arrays.fill(all, touched.id(k) * E, (touched.id(k) + 1) * E, 0);
      }
      assertThat(all).containsOnly(0);
      ready(gradient, 0, rows.numbers());
    }

    @Override
    public synchronized void ready(INDArray gradient, long from, long to) {
      if (end == 0) {
        this.gradient = gradient;
        taken = new float[Math.toIntExact(gradient.length())];
        end = taken.length;
        ranges = new ArrayList<>();
        early = new ArrayList<>();
      }
      assertThat(to).isEqualTo(end);
      assertThat(from).isBetween(0L, to - 1);
      INDArray range = gradient.get(NDArrayIndex.interval(from, to));
      System.arraycopy(range.dup().data().asFloat(), 0, taken, (int) from, (int) (to - from));
      range.assign(Float.NaN);
      ranges.add(new Range(from, to));
      if (TrainingPass.current() != null) {
        early.add(new Range(from, to));
      }
      end = from;
    }

    /** No rank meets the others again before it has read what they add here. */
    @Override
    public double await(double loss) {
      this.loss = loss;
      try {
        barrier.await(60, TimeUnit.SECONDS);
      } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
        throw new IllegalStateException(e);
      }
      gradient.assign(Nd4j.createFromArray(sum));
      if (touched != null) {
        touched.clear();
        touched.add(union);
      }
      return InProcessExchange.this.loss;
    }

    /** Of the last step, in order. */
    List<Range> ranges() {
      return ranges;
    }

    /** Those of them that were ready while the backward pass went on. */
    List<Range> early() {
      return early;
    }
  }
}
