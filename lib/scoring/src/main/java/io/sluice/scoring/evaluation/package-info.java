/**
 * How good a model is, and against what: metrics, a comparison with baselines on the same windows,
 * a backtest over rolling origins, and a quality gate.
 *
 * <p>Main type: {@link io.sluice.scoring.evaluation.Evaluation}.
 */
package io.sluice.scoring.evaluation;
