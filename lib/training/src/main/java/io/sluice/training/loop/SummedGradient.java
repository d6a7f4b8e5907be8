package io.sluice.training.loop;

import io.sluice.training.allreduce.AllReduce;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The sum of all numbers over the ranks. */
final class SummedGradient extends SharedGradient {
  private final List<AllReduce.Pending> pending = new ArrayList<>();

  SummedGradient(AllReduce ranks, Duration deadline, BooleanSupplier stopAsked) {
    super(ranks, deadline, stopAsked);
  }

  @Override
  public void ready(INDArray gradient, long from, long to) {
    pending.add(ranks().sum(bytes(gradient, from, to)));
  }

  @Override
  boolean collect() throws InterruptedException {
    for (AllReduce.Pending each : pending) {
      each.await(deadline());
    }
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
  }
}
