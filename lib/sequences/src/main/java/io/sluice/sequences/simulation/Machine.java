package io.sluice.sequences.simulation;

/**
 * The physics of one unit: from demand, weather and wear to the true values of its channels.
 *
 * <p>Implementations state their equations in their Javadoc. Relative quantities are shares of the
 * rated value: q flow, n speed, h head, w wear in [0, 1] with 1 = failed.
 */
interface Machine {

  /**
   * @param hours since the last call
   * @param demand share of rated flow or torque that the process asks for, about 0.3 to 1.1
   * @param ambient °C
   * @param wear in [0, 1]
   * @param running false while the unit stands still
   */
  record Conditions(double hours, double demand, double ambient, double wear, boolean running) {}

  /** Rated values by {@link Channel}, in its unit. */
  double[] rated();

  /**
   * Advances the machine and writes true values of OUTPUT, FLOW, PRESSURE, POWER, TEMPERATURE and
   * VIBRATION; the others are the plant's.
   *
   * @param truth by {@link Channel}, out
   */
  void advance(Conditions now, double[] truth);

  /** Rated values of the channels that a machine computes; set point and ambient are common. */
  static double[] rated(
      double flow, double pressure, double power, double temperature, double vibration) {
    var rated = new double[Channel.COUNT];
    rated[Channel.SET_POINT.ordinal()] = 100;
    rated[Channel.OUTPUT.ordinal()] = 100;
    rated[Channel.FLOW.ordinal()] = flow;
    rated[Channel.PRESSURE.ordinal()] = pressure;
    rated[Channel.POWER.ordinal()] = power;
    rated[Channel.TEMPERATURE.ordinal()] = temperature;
    rated[Channel.VIBRATION.ordinal()] = vibration;
    rated[Channel.AMBIENT.ordinal()] = 25;
    return rated;
  }

  /** Writes one state in channel order. */
  static void write(
      double[] truth,
      double output,
      double flow,
      double pressure,
      double power,
      double temperature,
      double vibration) {
    truth[Channel.OUTPUT.ordinal()] = output;
    truth[Channel.FLOW.ordinal()] = flow;
    truth[Channel.PRESSURE.ordinal()] = pressure;
    truth[Channel.POWER.ordinal()] = power;
    truth[Channel.TEMPERATURE.ordinal()] = temperature;
    truth[Channel.VIBRATION.ordinal()] = vibration;
  }

  /** A size factor: log-normal, 20 % about 1. */
  static double size(java.util.Random parameters) {
    return Math.exp(0.2 * Math.max(-2.5, Math.min(2.5, parameters.nextGaussian())));
  }
}
