package io.sluice.scoring.evaluation;

import io.sluice.scoring.baseline.LastStepLogistic;
import io.sluice.sequences.dataset.WindowContract;
import java.io.Serializable;

/**
 * What every task needs to know to judge classes.
 *
 * @param threshold the model's alarm threshold; no part with more than two classes
 * @param logistic the baseline; null if there is none
 * @param logisticThreshold its alarm threshold
 * @param folds of the backtest
 */
record ClassPlan(
    WindowContract contract,
    float threshold,
    LastStepLogistic logistic,
    float logisticThreshold,
    FoldPlan folds)
    implements Serializable {

  /** V. */
  int classes() {
    return contract.target().classes().size();
  }
}
