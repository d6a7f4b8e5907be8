package io.sluice.recurrent.pipeline;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * Finds the placement whose slowest stage is the fastest among those that keep each stage within
 * the memory of its rank; among equals, one whose fullest stage is the least full.
 *
 * <p>Exact: a dynamic programme over the blocks' prefixes, once for the seconds and once for the
 * load of what is as fast, P·L² stages of consecutive blocks each. One programme over pairs of both
 * would not be: a prefix that is faster than it need be may hide one that is less full.
 */
final class PlacementSearch {
  /** What consecutive blocks cost on a stage. */
  interface Cost {
    /** Of a step. */
    double seconds(int stage, int first, int end);

    /** Memory that they take, as a share of what the rank has; more than 1 does not fit. */
    double load(int stage, int first, int end);
  }

  private final int blocks;
  private final int stages;
  private final double[][][] seconds;
  private final double[][][] load;

  /**
   * @param stages P, at most {@code blocks}
   */
  PlacementSearch(int blocks, int stages, Cost cost) {
    this.blocks = blocks;
    this.stages = stages;
    this.seconds = new double[stages][blocks][blocks + 1];
    this.load = new double[stages][blocks][blocks + 1];
    for (int stage = 0; stage < stages; stage++) {
      for (int first = stage; first < blocks; first++) {
        for (int end = first + 1; end <= blocks - (stages - 1 - stage); end++) {
          seconds[stage][first][end] = cost.seconds(stage, first, end);
          load[stage][first][end] = cost.load(stage, first, end);
        }
      }
    }
  }

  /** None if no placement fits. */
  Optional<Placement> best() {
    double[][] times = new double[stages][blocks + 1];
    fill(times, null, Double.POSITIVE_INFINITY, 1);
    double fastest = times[stages - 1][blocks];
    return fastest == Double.POSITIVE_INFINITY
        ? Optional.empty()
        : Optional.of(emptiest(fastest, 1));
  }

  /** The placement whose fullest stage is the least full, however slow, and if none fits. */
  Placement emptiest() {
    return emptiest(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);
  }

  private Placement emptiest(double limitSeconds, double limitLoad) {
    double[][] peaks = new double[stages][blocks + 1];
    int[][] from = new int[stages][blocks + 1];
    fill(peaks, from, limitSeconds, limitLoad);
    List<Integer> starts = new ArrayList<>();
    for (int stage = stages - 1, end = blocks; stage >= 0; end = from[stage][end], stage--) {
      starts.add(from[stage][end]);
    }
    Collections.reverse(starts);
    return Placement.ofStarts(starts, blocks);
  }

  /**
   * @param best out: the most expensive stage of the best placement of the blocks before a block on
   *     the stages up to one: its seconds, or where {@code from} is given its load
   * @param from out: where the highest of those stages begins
   */
  private void fill(double[][] best, int[][] from, double limitSeconds, double limitLoad) {
    for (int stage = 0; stage < stages; stage++) {
      Arrays.fill(best[stage], Double.POSITIVE_INFINITY);
      for (int end = stage + 1; end <= blocks - (stages - 1 - stage); end++) {
        for (int first = stage; first < end; first++) {
          if (stage == 0 && first > 0) {
            break;
          }
          if (seconds[stage][first][end] > limitSeconds || load[stage][first][end] > limitLoad) {
            continue;
          }
          double own = from == null ? seconds[stage][first][end] : load[stage][first][end];
          double below = stage == 0 ? 0 : best[stage - 1][first];
          if (Math.max(own, below) < best[stage][end]) {
            best[stage][end] = Math.max(own, below);
            if (from != null) {
              from[stage][end] = first;
            }
          }
        }
      }
    }
  }
}
