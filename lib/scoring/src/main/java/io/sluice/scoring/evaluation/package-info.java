/**
 * How good a model is, and against what: metrics, a comparison with baselines on the same windows,
 * a backtest over rolling origins, and a quality gate.
 *
 * <p>Main type: {@link io.sluice.scoring.evaluation.Evaluation}. It depends on the dataset, the
 * model bundle, the baselines and the explanation of documents; it does not know how a page is
 * drawn from its report.
 *
 * <p>The decision worth knowing: metrics are running sums that merge. A window is predicted once,
 * by whichever task reads its part; the model and each baseline are compared on exactly the values
 * that both know, so a baseline without enough history, or an ARIMA on a few hundred origins, still
 * gives two columns that may be set side by side. Only class scores are kept window by window,
 * because ROC-AUC needs their ranks.
 *
 * <p><b>Considered:</b> Spark MLlib's evaluators. They want a data frame of (prediction, label)
 * pairs, one value each: 24 steps of 7 channels would be 168 rows a window and a pass per metric
 * and grouping, and a session even for a hundred windows. They judge the sums in the tests instead.
 */
package io.sluice.scoring.evaluation;
