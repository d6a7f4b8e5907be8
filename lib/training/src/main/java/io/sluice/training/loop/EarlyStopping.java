package io.sluice.training.loop;

import java.io.Serializable;

/**
 * When a run stops before its last epoch, and what counts as better.
 *
 * @param patience epochs without a better validation loss; 0 is off
 * @param minDelta a better loss is better by at least this
 */
public record EarlyStopping(int patience, double minDelta) implements Serializable {

  /** Whether a validation loss beats the best so far. */
  boolean isBetter(double loss, double best) {
    return loss < best - minDelta;
  }

  /** Whether a run stops after this many epochs without a better loss. */
  boolean stopsAfter(int epochsSinceBest) {
    return patience > 0 && epochsSinceBest >= patience;
  }
}
