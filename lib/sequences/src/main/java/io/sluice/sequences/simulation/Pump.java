package io.sluice.sequences.simulation;

import java.util.Random;

/**
 * A centrifugal pump on a variable-speed drive, which holds the flow that the process asks for.
 *
 * <pre>{@code
 * system curve   h = 0.25 + 0.75 q²                     static lift and friction
 * pump curve     h = 1.25 n² (1 − 0.10 w) − 0.25 q²     affinity: q ∝ n, h ∝ n²
 * speed          n solves both, at most 1.15; beyond it the flow falls short
 * efficiency     η = 0.80 (1 − 0.6 (q/n − 1)²) (1 − 0.15 w)
 * power          P = ρ g Q H / (3.6e6 η) kW             ∝ n³ along an affinity line
 * pressure       Δp = ρ g H / 1e5 bar
 * bearing        T → ambient + 14 + 18 n² + 22 w³ °C, lag 1.5 h
 * vibration      v = 1.3 (0.55 + 0.45 n²) (1 + 3.2 w³) mm/s
 * }</pre>
 *
 * Wear opens the rings: the same flow takes more speed and more power. A new pump runs at 1.3 mm/s,
 * a failing one at about 5 (ISO 10816-3 calls 4.5 unsatisfactory).
 */
final class Pump implements Machine {
  private static final double RHO_G = 998 * 9.81;
  private static final double MAX_SPEED = 1.15;

  private final double ratedFlow;
  private final double ratedHead;
  private final Lag bearing = new Lag(1.5);
  private final double[] rated;

  Pump(Random parameters) {
    ratedFlow = 320 * Machine.size(parameters);
    ratedHead = 62 * Machine.size(parameters);
    double power = RHO_G * ratedFlow * ratedHead / 3.6e6 / 0.8;
    rated = Machine.rated(ratedFlow, RHO_G * ratedHead / 1e5, power, 55, 1.3);
  }

  @Override
  public double[] rated() {
    return rated;
  }

  @Override
  public void advance(Conditions now, double[] truth) {
    if (!now.running()) {
      Machine.write(truth, 0, 0, 0, 0, bearing.follow(now.ambient(), now.hours()), 0.05);
      return;
    }
    double w = now.wear();
    double shutOff = 1.25 * (1 - 0.10 * w);
    double q = now.demand();
    double n = Math.sqrt((0.25 + q * q) / shutOff);
    if (n > MAX_SPEED) {
      n = MAX_SPEED;
      q = Math.sqrt(n * n * shutOff - 0.25);
    }
    double head = ratedHead * (0.25 + 0.75 * q * q);
    double flow = ratedFlow * q;
    double off = q / n - 1;
    double efficiency = 0.8 * (1 - 0.6 * off * off) * (1 - 0.15 * w);
    double target = now.ambient() + 14 + 18 * n * n + 22 * w * w * w;
    Machine.write(
        truth,
        100 * n,
        flow,
        RHO_G * head / 1e5,
        RHO_G * flow * head / 3.6e6 / efficiency,
        bearing.follow(target, now.hours()),
        1.3 * (0.55 + 0.45 * n * n) * (1 + 3.2 * w * w * w));
  }
}
