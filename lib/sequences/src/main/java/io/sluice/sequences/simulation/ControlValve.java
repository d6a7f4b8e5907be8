package io.sluice.sequences.simulation;

import java.util.Random;

/**
 * A control valve with an equal-percentage plug and a positioner, in a water line.
 *
 * <pre>{@code
 * pressure drop  Δp = Δpr (1.5 − 0.5 q²) bar             the pump curve upstream, q = demand
 * flow           Q = 0.865 Cv f(x) √Δp m³/h              SG = 1
 * characteristic f(x) = 30^(x − 1), x = opening in [0.02, 1]
 * controller     asks for x* with Q(x*) = demand
 * stiction       the stem moves to x* only when |x* − x| > 0.004 + 0.05 w²
 * power          dissipated, Q Δp / 36 kW
 * body           T → 52 + 0.15 (ambient − 12) + 4 q + 14 w³ °C, lag 0.7 h
 * vibration      v = 0.9 (0.4 + 0.6 q Δp/Δpr) (1 + 3.6 w³) mm/s
 * }</pre>
 *
 * Wear tightens the packing: the stem sticks and jumps, flow hunts about its demand.
 */
final class ControlValve implements Machine {
  private final double ratedFlow;
  private final double ratedDrop;
  private final double capacity;
  private final Lag body = new Lag(0.7);
  private final double[] rated;
  private double opening = Double.NaN;

  ControlValve(Random parameters) {
    ratedFlow = 420 * Machine.size(parameters);
    ratedDrop = 4.5 * Machine.size(parameters);
    // fully open at 125 % of rated flow
    capacity = 1.25 * ratedFlow / (0.865 * Math.sqrt(ratedDrop));
    rated = Machine.rated(ratedFlow, ratedDrop, ratedFlow * ratedDrop / 36, 56, 0.9);
  }

  @Override
  public double[] rated() {
    return rated;
  }

  @Override
  public void advance(Conditions now, double[] truth) {
    if (!now.running()) {
      opening = Double.NaN;
      Machine.write(truth, 0, 0, 0, 0, body.follow(now.ambient(), now.hours()), 0.05);
      return;
    }
    double w = now.wear();
    double q = Math.min(1.25, now.demand());
    double drop = ratedDrop * (1.5 - 0.5 * q * q);
    double full = 0.865 * capacity * Math.sqrt(drop);
    double wanted = clamp(1 + Math.log(q * ratedFlow / full) / Math.log(30));
    if (Double.isNaN(opening) || Math.abs(wanted - opening) > 0.004 + 0.05 * w * w) {
      opening = wanted;
    }
    double flow = full * Math.pow(30, opening - 1);
    double share = flow / ratedFlow;
    double target = 52 + 0.15 * (now.ambient() - 12) + 4 * share + 14 * w * w * w;
    Machine.write(
        truth,
        100 * opening,
        flow,
        drop,
        flow * drop / 36,
        body.follow(target, now.hours()),
        0.9 * (0.4 + 0.6 * share * drop / ratedDrop) * (1 + 3.6 * w * w * w));
  }

  private static double clamp(double opening) {
    return Math.max(0.02, Math.min(1, opening));
  }
}
