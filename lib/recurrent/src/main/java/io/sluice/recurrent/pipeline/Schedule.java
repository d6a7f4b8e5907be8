package io.sluice.recurrent.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;

/**
 * The order in which P pipeline stages compute a step of M micro-batches in K time chunks each.
 *
 * <p>Forward, chunk k of a micro-batch needs the same chunk of the stage below and chunk k − 1 of
 * its own; backward, the same chunk of the stage above and chunk k + 1 of its own. The loss follows
 * the last chunk on the last stage. So each stage computes micro-batches in their order, forward in
 * the order of time and backward against it, and what is left to choose is how far forward runs
 * ahead of backward:
 *
 * <pre>{@code
 * lead(s)  = min(M·K, K + SLACK·(P − 1 − s))       units forward, then one backward, one forward …
 * }</pre>
 *
 * <p>With a lead of 1 more than that of the stage above, no stage of equal cost ever waits once the
 * pipeline is full; one more hides a transfer and a late unit. What a stage keeps for the way back
 * is its lead, K + {@value #SLACK}·(P − 1 − s) chunks, whatever M is: little more than one
 * micro-batch.
 *
 * <p>With equal stages and U = M·K units a step takes (U + P − 1) forward and backward passes of a
 * unit, of which a stage computes U: the share U/(U + P − 1), as of a pipeline of whole
 * micro-batches with K times as many.
 *
 * <p><b>Source.</b> One forward, one backward: Narayanan et al., "PipeDream: Generalized Pipeline
 * Parallelism for DNN Training", SOSP 2019, with the weights of one step throughout (its flush, as
 * in Huang et al., "GPipe", NeurIPS 2019). Pipelining recurrent layers over time steps: Wu et al.,
 * "Google's Neural Machine Translation System", 2016, section 3.3; here over chunks, and backward
 * through all of them.
 *
 * @param stages P
 * @param microBatches M of a replica's share of a batch; 0 if it has no examples
 * @param chunks K
 */
public record Schedule(int stages, int microBatches, int chunks) {
  /** Units by which each stage runs further ahead than the one above it. */
  static final int SLACK = 2;

  public Schedule {
    if (stages < 1 || microBatches < 0 || chunks < 1) {
      throw new IllegalArgumentException(
          "A schedule has at least 1 stage, 0 micro-batches and 1 chunk, but stages=%d, microBatches=%d, chunks=%d"
              .formatted(stages, microBatches, chunks));
    }
  }

  /** Units of a stage that are under way at a time, at most: its tapes. */
  public int lead(int stage) {
    return (int)
        Math.min((long) microBatches * chunks, chunks + (long) SLACK * (stages - 1 - stage));
  }

  /** Micro-batches of a stage that are under way at a time, at most. */
  public int microBatchesUnderWay(int stage) {
    // the oldest has a last unit to go back over, while the youngest has just begun
    return Math.min(microBatches, (lead(stage) + chunks - 2) / chunks + 1);
  }

  /** U, forward and as many backward on each stage. */
  public int units() {
    return microBatches * chunks;
  }

  /** All units of a stage, in the order in which it computes them. */
  public List<Unit> units(int stage) {
    int all = microBatches * chunks;
    int lead = lead(stage);
    int[] tapeOf = new int[all];
    var free = new PriorityQueue<Integer>();
    for (int tape = 0; tape < lead; tape++) {
      free.add(tape);
    }
    var units = new ArrayList<Unit>();
    int forward = 0;
    for (int back = 0; back < all; back++) {
      while (forward < Math.min(all, back + lead)) {
        tapeOf[forward] = free.remove();
        units.add(new Unit(true, forward / chunks, forward % chunks, tapeOf[forward]));
        forward++;
      }
      int microBatch = back / chunks;
      int chunk = chunks - 1 - back % chunks;
      int tape = tapeOf[microBatch * chunks + chunk];
      free.add(tape);
      units.add(new Unit(false, microBatch, chunk, tape));
    }
    return units;
  }

  /** What a unit costs a stage. */
  public interface Cost {
    /**
     * @param microBatch from 0
     * @param chunk from 0, in the order of time
     * @return seconds
     */
    double seconds(int stage, boolean isForward, int microBatch, int chunk);
  }

  /**
   * @param stepSeconds of a step, from the first unit's begin to the last one's end
   * @param busySeconds of each stage
   */
  public record Timing(double stepSeconds, List<Double> busySeconds) {

    /** Share of the stages' time in which they wait. */
    public double bubble() {
      double busy = busySeconds.stream().mapToDouble(Double::doubleValue).sum();
      return 1 - busy / (stepSeconds * busySeconds.size());
    }
  }

  /**
   * How long a step takes if every stage begins a unit as soon as what it needs is there.
   *
   * @param transferSeconds from one stage to the next, while both compute
   */
  public Timing timing(Cost cost, double transferSeconds) {
    int all = microBatches * chunks;
    var forward = new double[stages][all];
    var backward = new double[stages][all];
    int[] forwards = new int[stages];
    int[] backwards = new int[stages];
    double[] free = new double[stages];
    double[] busy = new double[stages];
    int left = 2 * stages * all;
    while (left > 0) {
      for (int stage = 0; stage < stages; stage++) {
        while (backwards[stage] < all) {
          boolean isForward = forwards[stage] < Math.min(all, backwards[stage] + lead(stage));
          int k = isForward ? forwards[stage] : backwards[stage];
          int neighbour = isForward ? stage - 1 : stage + 1;
          double begin = free[stage];
          if (neighbour >= 0 && neighbour < stages) {
            if ((isForward ? forwards : backwards)[neighbour] <= k) {
              break; // not computed yet
            }
            double end = (isForward ? forward : backward)[neighbour][k];
            begin = Math.max(begin, end + transferSeconds);
          }
          int chunk = isForward ? k % chunks : chunks - 1 - k % chunks;
          double seconds = cost.seconds(stage, isForward, k / chunks, chunk);
          free[stage] = begin + seconds;
          busy[stage] += seconds;
          (isForward ? forward : backward)[stage][k] = free[stage];
          (isForward ? forwards : backwards)[stage]++;
          left--;
        }
      }
    }
    double end = 0;
    var busySeconds = new ArrayList<Double>();
    for (int stage = 0; stage < stages; stage++) {
      end = Math.max(end, free[stage]);
      busySeconds.add(busy[stage]);
    }
    return new Timing(end, List.copyOf(busySeconds));
  }
}
