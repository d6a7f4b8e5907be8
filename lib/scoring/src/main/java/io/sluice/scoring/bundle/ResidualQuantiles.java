package io.sluice.scoring.bundle;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.commons.math3.stat.descriptive.rank.Percentile;

/**
 * How far a model was off on the validation windows: quantiles of (actual − prediction), for each
 * horizon step and target, in the target's own unit. Added to a prediction they give an interval.
 *
 * @param horizon H
 * @param targets K
 * @param levels L levels, ascending in (0, 1)
 * @param windows validation windows the quantiles were taken over
 * @param values (H, K, L), row-major; NaN is not among them: a target never observed has zeros
 */
public record ResidualQuantiles(
    int horizon, int targets, List<Double> levels, long windows, List<Float> values) {

  // (1 − 0.8) / 2 is 0.09999999999999998
  private static final double ROUNDING = 1e-9;

  /** From 0.5 % to 99.5 %, dense enough to interpolate between. */
  public static final List<Double> USUAL_LEVELS =
      List.of(
          0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6,
          0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99, 0.995);

  public ResidualQuantiles {
    levels = List.copyOf(levels);
    values = List.copyOf(values);
    long expected = (long) horizon * targets * levels.size();
    if (values.size() != expected) {
      throw new IllegalArgumentException(
          "values has length %d, expected H*K*L = %d (H=%d, K=%d, L=%d)"
              .formatted(values.size(), expected, horizon, targets, levels.size()));
    }
  }

  /**
   * The residual at a level, linear between the levels that are held.
   *
   * @param level within the first and the last level
   */
  public float at(int h, int k, double level) {
    if (!covers(level)) {
      throw new IllegalArgumentException(
          "level is %s, must be between %s and %s"
              .formatted(level, levels.get(0), levels.get(levels.size() - 1)));
    }
    int upper = 1;
    while (upper < levels.size() - 1 && levels.get(upper) < level) {
      upper++;
    }
    int row = (h * targets + k) * levels.size();
    if (levels.size() == 1) {
      return values.get(row);
    }
    double below = levels.get(upper - 1);
    double share = (level - below) / (levels.get(upper) - below);
    return (float) ((1 - share) * values.get(row + upper - 1) + share * values.get(row + upper));
  }

  /** Whether {@link #at} can answer for a level. */
  public boolean covers(double level) {
    return level >= levels.get(0) - ROUNDING && level <= levels.get(levels.size() - 1) + ROUNDING;
  }

  /**
   * Gathers residuals window by window and keeps a uniform sample of bounded size (Vitter's
   * algorithm R, seeded), so memory does not grow with the validation split.
   */
  public static final class Sampler {
    private static final long SEED = 20240101;

    private final int horizon;
    private final int targets;
    private final float[][] sample;
    private final SplittableRandom random = new SplittableRandom(SEED);
    private long seen;

    /**
     * @param capacity windows kept, 10,000 for quantiles good to about half a percent
     */
    public Sampler(int horizon, int targets, int capacity) {
      this.horizon = horizon;
      this.targets = targets;
      this.sample = new float[capacity][];
    }

    /**
     * @param actual (B, H, K) in original units; NaN where unknown
     * @param predicted (B, H, K) in original units
     * @param size B
     */
    public void add(float[] actual, float[] predicted, int size) {
      int J = horizon * targets;
      for (int b = 0; b < size; b++) {
        int slot = seen < sample.length ? (int) seen : slotOf(random.nextLong(seen + 1));
        seen++;
        if (slot >= 0) {
          var residual = new float[J];
          for (int j = 0; j < J; j++) {
            residual[j] = actual[b * J + j] - predicted[b * J + j];
          }
          sample[slot] = residual;
        }
      }
    }

    private int slotOf(long drawn) {
      return drawn < sample.length ? (int) drawn : -1;
    }

    /** Quantiles of what was added (Hyndman and Fan's type 7, as in R and NumPy). */
    public ResidualQuantiles quantiles(List<Double> levels) {
      int kept = (int) Math.min(seen, sample.length);
      var values = new ArrayList<Float>(horizon * targets * levels.size());
      for (int j = 0; j < horizon * targets; j++) {
        var column = new double[kept];
        int n = 0;
        for (int s = 0; s < kept; s++) {
          if (!Float.isNaN(sample[s][j])) {
            column[n++] = sample[s][j];
          }
        }
        var percentile = new Percentile().withEstimationType(Percentile.EstimationType.R_7);
        percentile.setData(column, 0, n);
        for (double level : levels) {
          values.add(n == 0 ? 0f : (float) percentile.evaluate(100 * level));
        }
      }
      return new ResidualQuantiles(horizon, targets, levels, seen, values);
    }
  }
}
