package io.sluice.sequences.simulation;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What is measured at a unit: the same eight names at every kind of machine, so that one wide table
 * serves all of them. {@code data-schemas/wide.v1.json} says what a name means at each kind.
 *
 * <p>Noise and drift are nominal: noise is a standard deviation, drift the standard deviation that
 * a sensor's bias gains in one day. Both are shares of the machine's rated value, but in °C for the
 * two temperatures.
 */
enum Channel {
  /**
   * Operator's set point, % of rated demand. A number in the control system: no sensor, no noise.
   */
  SET_POINT(0, 0, 100, 0, 130),
  /** What the controller moves, %: speed of pump and motor, position of the valves. */
  OUTPUT(0.002, 0, 100, 0, 130),
  /** m³/h. */
  FLOW(0.006, 0.0010, 100, 0, 5000),
  /** bar. */
  PRESSURE(0.005, 0.0010, 1000, 0, 100),
  /** kW. */
  POWER(0.004, 0.0005, 100, 0, 5000),
  /** °C. */
  TEMPERATURE(0.25, 0.03, 100, -60, 250),
  /** mm/s, root mean square. */
  VIBRATION(0.03, 0.0020, 1000, 0, 50),
  /** Outdoor temperature at the unit, °C. */
  AMBIENT(0.2, 0.02, 100, -60, 60);

  /** Number of channels, C. */
  static final int COUNT = values().length;

  private final double noise;
  private final double drift;
  private final double ticksPerUnit;
  private final double low;
  private final double high;

  Channel(double noise, double drift, double ticksPerUnit, double low, double high) {
    this.noise = noise;
    this.drift = drift;
    this.ticksPerUnit = ticksPerUnit;
    this.low = low;
    this.high = high;
  }

  /** Column and tag name. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  static List<String> labels() {
    return Stream.of(values()).map(Channel::label).toList();
  }

  /** Standard deviation of the noise at a machine with this rated value. */
  double noise(double rated) {
    return noise * scale(rated);
  }

  /** Standard deviation of the bias after one day at a machine with this rated value. */
  double driftPerDay(double rated) {
    return drift * scale(rated);
  }

  /** What the transmitter sends: clamped to its range, rounded to its resolution. */
  double transmitted(double value) {
    return Math.rint(Math.max(low, Math.min(high, value)) * ticksPerUnit) / ticksPerUnit;
  }

  double low() {
    return low;
  }

  double high() {
    return high;
  }

  private double scale(double rated) {
    return this == TEMPERATURE || this == AMBIENT ? 1 : rated;
  }
}
