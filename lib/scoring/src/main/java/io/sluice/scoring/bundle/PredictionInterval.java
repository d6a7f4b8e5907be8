package io.sluice.scoring.bundle;

/**
 * A central interval around each prediction, (B, H, K), in the targets' own units.
 *
 * @param share of actual values it should hold
 */
public record PredictionInterval(double share, float[] lower, float[] upper) {}
