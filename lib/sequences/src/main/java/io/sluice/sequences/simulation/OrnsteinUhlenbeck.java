package io.sluice.sequences.simulation;

import java.util.Random;

/**
 * A mean-reverting random walk about zero, {@code dx = −x/τ dt + σ√(2/τ) dW}, stepped exactly: the
 * autocorrelation over a lag Δ is exp(−Δ/τ) whatever the step.
 *
 * <p>Starts in its stationary distribution N(0, σ²).
 */
final class OrnsteinUhlenbeck {
  private final double sigma;
  private final double tauHours;
  private final Random random;
  private double x;

  OrnsteinUhlenbeck(double sigma, double tauHours, Random random) {
    this.sigma = sigma;
    this.tauHours = tauHours;
    this.random = random;
    this.x = sigma * random.nextGaussian();
  }

  double advance(double hours) {
    double keep = Math.exp(-hours / tauHours);
    x = keep * x + sigma * Math.sqrt(1 - keep * keep) * random.nextGaussian();
    return x;
  }
}
