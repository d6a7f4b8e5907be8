package io.sluice.training.loop;

import io.sluice.recurrent.embedding.TouchedRows;
import io.sluice.recurrent.optim.RowBlock;
import io.sluice.training.allreduce.AllReduce;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The sum of all numbers over the ranks; of an embedding's rows, of those that are touched. */
final class SummedGradient extends SharedGradient {
  private final List<AllReduce.Pending> pending = new ArrayList<>();

  private final RowSum rowSum;

  SummedGradient(AllReduce ranks, Duration deadline, BooleanSupplier stopAsked) {
    super(ranks, deadline, stopAsked);
    this.rowSum = new RowSum(ranks);
  }

  @Override
  public void ready(INDArray gradient, long from, long to) {
    pending.add(ranks().sum(bytes(gradient, from, to)));
  }

  @Override
  public void ready(INDArray gradient, RowBlock rows, TouchedRows touched) {
    rowSum.begin(gradient, rows, touched);
  }

  @Override
  boolean collect() throws InterruptedException {
    for (AllReduce.Pending each : pending) {
      each.await(deadline());
    }
    rowSum.finish(deadline());
    return true;
  }

  @Override
  boolean collectRest() {
    return true;
  }

  @Override
  boolean holdsNothing() {
    return true;
  }

  @Override
  void end() {
    pending.clear();
    rowSum.end();
  }
}
