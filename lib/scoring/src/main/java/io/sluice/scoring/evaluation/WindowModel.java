package io.sluice.scoring.evaluation;

import java.util.List;

/** A model as an evaluation sees it: windows in, numbers in original units out. One thread. */
interface WindowModel extends AutoCloseable {

  /** Predicts some windows in one go. */
  Output predict(List<Window> windows);

  /** Frees what it holds beside the Java heap. */
  @Override
  default void close() {
    // holds nothing, unless it says otherwise
  }

  /** A central interval that should hold {@code interval} of the actuals. */
  record Interval(double probability, String source) {}

  /**
   * B windows; J = H·K target values (1 for remaining life), Q quantiles or 1, V classes.
   *
   * @param levels of the Q quantiles; empty for a mean
   * @param point (B, J) the number to quote
   * @param quantiles (B, J, Q) for a quantile head; null otherwise
   * @param lower (B, J) interval; null where there is none
   * @param upper (B, J)
   * @param probabilities (B, V) for classes; null otherwise
   */
  record Output(
      List<Double> levels,
      float[] point,
      float[] quantiles,
      float[] lower,
      float[] upper,
      float[] probabilities) {}
}
