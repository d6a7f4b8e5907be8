package io.sluice.recurrent.optim;

import java.util.List;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/**
 * Threads that share work on the numbers of long arrays. Work that one number after the other is
 * done alone gives the same bits on any number of threads; a sum is in an order that follows from
 * their number.
 */
final class Sections {
  /** Fewer numbers a thread are not dealt out: waking one takes time too. */
  private static final long LEAST = 1L << 16;

  /** The calling thread alone. */
  static final Sections ALONE = new Sections(null);

  /** Null is the calling thread alone. */
  private final Replicas threads;

  private Sections(Replicas threads) {
    this.threads = threads;
  }

  /** The threads of replicas, which must not compute meanwhile. */
  static Sections of(Replicas replicas) {
    return replicas.count() == 1 ? ALONE : new Sections(replicas);
  }

  /** Does work on all ranges, each thread on some of them. */
  void each(Ranges ranges, Consumer<Ranges> work) {
    if (isSmall(ranges)) {
      work.accept(ranges);
      return;
    }
    List<Ranges> parts = ranges.parts(threads.count());
    threads.together(thread -> work.accept(parts.get(thread)));
  }

  /** The sum of what the threads find on their ranges. */
  double sum(Ranges ranges, ToDoubleFunction<Ranges> work) {
    if (isSmall(ranges)) {
      return work.applyAsDouble(ranges);
    }
    List<Ranges> parts = ranges.parts(threads.count());
    var sums = new double[parts.size()];
    threads.together(thread -> sums[thread] = work.applyAsDouble(parts.get(thread)));
    double sum = 0;
    for (double each : sums) {
      sum += each;
    }
    return sum;
  }

  private boolean isSmall(Ranges ranges) {
    return threads == null || ranges.numbers() < LEAST * threads.count();
  }
}
