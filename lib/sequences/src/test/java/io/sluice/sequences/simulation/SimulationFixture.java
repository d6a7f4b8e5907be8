package io.sluice.sequences.simulation;

import io.sluice.config.Settings;

/** Settings of small plants for tests. */
final class SimulationFixture {
  private SimulationFixture() {}

  static SimulationSettings settings(String... overrides) {
    return Settings.parse("", overrides).read(SimulationSettings::from);
  }

  /** No defect at all. */
  static SimulationSettings clean(int units, int days) {
    return settings(
        "simulate.units=" + units,
        "simulate.days=" + days,
        "simulate.jitter=0",
        "simulate.noise=0",
        "simulate.drift=0",
        "simulate.gaps-per-month=0",
        "simulate.dead-sensor-share=0",
        "simulate.duplicate-share=0",
        "simulate.late-share=0",
        "simulate.missing-share=0",
        "simulate.bad-quality-share=0");
  }
}
