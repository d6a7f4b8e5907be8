package io.sluice.sequences.simulation;

import java.util.Random;

/**
 * An induction motor on a frequency converter, driving a conveyor: torque and speed both follow
 * demand m. Fan-cooled by its own shaft, bearings on forced lubrication.
 *
 * <pre>{@code
 * speed        n = 0.45 + 0.55 m
 * torque       τ = (0.25 + 0.75 m) (1 + 0.06 w)              dry bearings add friction
 * current      I = √(τ² + 0.35²) / √(1 + 0.35²)              load and magnetising part, of rated
 * losses       p = 0.045 I² (1 + 0.004 (T − 80)) + 0.020 n^1.5 + 0.008 n (1 + 2 w)
 * power        P = Pr (τ n + p) kW
 * cooling air  flow = Fr n (1 − 0.25 w) m³/h
 * oil pressure 2.4 (0.75 + 0.25 n) (1 − 0.30 w²) bar
 * winding      T → ambient + 62 p/0.073 / (0.4 + 0.6 flow/Fr) + 12 w³ °C, lag 2.5 h
 * vibration    v = 1.1 (0.6 + 0.4 n²) (1 + 3.5 w³) mm/s
 * }</pre>
 */
final class Motor implements Machine {
  private final double ratedPower;
  private final double ratedAir;
  private final Lag winding = new Lag(2.5);
  private final double[] rated;
  private double temperature = 60;

  Motor(Random parameters) {
    ratedPower = 110 * Machine.size(parameters);
    ratedAir = 900 * Machine.size(parameters);
    rated = Machine.rated(ratedAir, 2.4, 1.07 * ratedPower, 85, 1.1);
  }

  @Override
  public double[] rated() {
    return rated;
  }

  @Override
  public void advance(Conditions now, double[] truth) {
    if (!now.running()) {
      temperature = winding.follow(now.ambient(), now.hours());
      Machine.write(truth, 0, 0, 0, 0, temperature, 0.05);
      return;
    }
    double w = now.wear();
    double n = 0.45 + 0.55 * now.demand();
    double torque = (0.25 + 0.75 * now.demand()) * (1 + 0.06 * w);
    double currentSquared = (torque * torque + 0.1225) / 1.1225;
    double losses =
        0.045 * currentSquared * (1 + 0.004 * (temperature - 80))
            + 0.020 * Math.pow(n, 1.5)
            + 0.008 * n * (1 + 2 * w);
    double air = n * (1 - 0.25 * w);
    double target = now.ambient() + 62 * losses / 0.073 / (0.4 + 0.6 * air) + 12 * w * w * w;
    temperature = winding.follow(target, now.hours());
    Machine.write(
        truth,
        100 * n,
        ratedAir * air,
        2.4 * (0.75 + 0.25 * n) * (1 - 0.30 * w * w),
        ratedPower * (torque * n + losses),
        temperature,
        1.1 * (0.6 + 0.4 * n * n) * (1 + 3.5 * w * w * w));
  }
}
