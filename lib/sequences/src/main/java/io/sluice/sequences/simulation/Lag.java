package io.sluice.sequences.simulation;

/**
 * A first-order lag, exact for an input held over the step: {@code y ← x + (y − x)·exp(−Δt/τ)}.
 *
 * <p>Starts at its first input.
 */
final class Lag {
  private final double tauHours;
  private double y = Double.NaN;

  Lag(double tauHours) {
    this.tauHours = tauHours;
  }

  double follow(double x, double hours) {
    y = Double.isNaN(y) ? x : x + (y - x) * Math.exp(-hours / tauHours);
    return y;
  }
}
