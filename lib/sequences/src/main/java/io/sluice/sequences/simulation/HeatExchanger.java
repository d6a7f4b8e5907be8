package io.sluice.sequences.simulation;

import java.util.Random;

/**
 * A counter-flow water cooler: demand is the hot stream, the controller opens the cooling water to
 * hold the hot outlet at 48 °C. Wear is fouling.
 *
 * <pre>{@code
 * heat capacities   Ch = ρ cp Q/3600 kW/K (Q hot flow, m³/h), Cc = x · 1.3 Ch,rated, x = opening
 * cooling water     Tc = 15 + 0.5 max(ambient, −5) °C, hot inlet Th = 68 °C
 * transfer          1/(UA) = (1/UA₀) (0.55 q^−0.8 + 0.45 x^−0.8 + 1.8 w)    UA₀ = 1.8 Ch,rated; last term: fouling
 * effectiveness     ε-NTU, counter-flow: NTU = UA/Cmin, Cr = Cmin/Cmax,
 *                   ε = (1 − e^(−NTU(1−Cr))) / (1 − Cr e^(−NTU(1−Cr)))
 * duty              P = ε Cmin (Th − Tc) kW, outlet T = Th − P/Ch °C, lag 0.4 h
 * controller        x solves T = 48 °C in [0.05, 1]; fully open it cannot, and T rises
 * pressure drop     Δp = 0.8 q² (1 + 1.5 w) bar
 * vibration         v = 0.8 (0.5 + 0.5 q²) (1 + 3.4 w³) mm/s
 * }</pre>
 */
final class HeatExchanger implements Machine {
  private static final double HOT_INLET = 68;
  private static final double SET_TEMPERATURE = 48;

  /** ρ cp / 3600 for water: kW/K per m³/h. */
  private static final double HEAT = 998 * 4.18 / 3600;

  private final double ratedFlow;
  private final double ratedCapacity;
  private final double clean;
  private final Lag outlet = new Lag(0.4);
  private final double[] rated;

  HeatExchanger(Random parameters) {
    ratedFlow = 14 * Machine.size(parameters);
    ratedCapacity = HEAT * ratedFlow;
    clean = 1.8 * ratedCapacity;
    rated =
        Machine.rated(
            ratedFlow, 0.8, ratedCapacity * (HOT_INLET - SET_TEMPERATURE), SET_TEMPERATURE, 0.8);
  }

  @Override
  public double[] rated() {
    return rated;
  }

  @Override
  public void advance(Conditions now, double[] truth) {
    if (!now.running()) {
      Machine.write(truth, 0, 0, 0, 0, outlet.follow(now.ambient(), now.hours()), 0.05);
      return;
    }
    double w = now.wear();
    double q = now.demand();
    double cold = 15 + 0.5 * Math.max(now.ambient(), -5);
    double hotCapacity = ratedCapacity * q;
    double opening = opening(q, w, cold);
    double duty = duty(q, opening, w, cold);
    Machine.write(
        truth,
        100 * opening,
        ratedFlow * q,
        0.8 * q * q * (1 + 1.5 * w),
        duty,
        outlet.follow(HOT_INLET - duty / hotCapacity, now.hours()),
        0.8 * (0.5 + 0.5 * q * q) * (1 + 3.4 * w * w * w));
  }

  /** Bisection: duty grows with the opening. */
  private double opening(double q, double w, double cold) {
    double wanted = ratedCapacity * q * (HOT_INLET - SET_TEMPERATURE);
    double low = 0.05;
    double high = 1;
    if (duty(q, high, w, cold) <= wanted) {
      return high;
    }
    for (int i = 0; i < 20; i++) {
      double middle = (low + high) / 2;
      if (duty(q, middle, w, cold) < wanted) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return high;
  }

  private double duty(double q, double opening, double w, double cold) {
    double hot = ratedCapacity * q;
    double coolant = 1.3 * ratedCapacity * opening;
    double transfer = clean / (0.55 * Math.pow(q, -0.8) + 0.45 * Math.pow(opening, -0.8) + 1.8 * w);
    double min = Math.min(hot, coolant);
    double ratio = min / Math.max(hot, coolant);
    double units = transfer / min;
    double effectiveness;
    if (ratio > 0.9999) { // the formula's limit at equal capacities
      effectiveness = units / (1 + units);
    } else {
      double decay = Math.exp(-units * (1 - ratio));
      effectiveness = (1 - decay) / (1 - ratio * decay);
    }
    return effectiveness * min * (HOT_INLET - cold);
  }
}
