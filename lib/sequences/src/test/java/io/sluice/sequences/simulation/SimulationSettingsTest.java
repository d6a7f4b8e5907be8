package io.sluice.sequences.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.config.InvalidConfigException;
import io.sluice.sequences.simulation.SimulationSettings.Defects;
import io.sluice.sequences.simulation.SimulationSettings.Format;
import io.sluice.sequences.simulation.SimulationSettings.Operation;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class SimulationSettingsTest {

  @Test
  void defaultsComeFromReferenceConf() {
    SimulationSettings settings = SimulationFixture.settings();

    assertThat(settings.output()).isEqualTo("lake/raw");
    assertThat(settings.units()).isEqualTo(8);
    assertThat(settings.scans()).isEqualTo(settings.days() * 144L);
  }

  @Test
  void explicitValuesReachTheRecord() {
    SimulationSettings settings =
        SimulationFixture.settings(
            "simulate.output=/plant",
            "simulate.format=orc",
            "simulate.seed=70",
            "simulate.units=11",
            "simulate.days=12",
            "simulate.start=\"2023-05-06T07:00:00+02:00\"",
            "simulate.interval=3 minutes",
            "simulate.partitions=13",
            "simulate.jitter=0.14",
            "simulate.noise=1.5",
            "simulate.drift=1.6",
            "simulate.mean-days-between-failures=17",
            "simulate.repair-hours=18",
            "simulate.set-point-changes-per-week=19",
            "simulate.gaps-per-month=20",
            "simulate.dead-sensor-share=0.21",
            "simulate.duplicate-share=0.22",
            "simulate.late-share=0.23",
            "simulate.missing-share=0.24",
            "simulate.bad-quality-share=0.25");

    assertThat(settings)
        .isEqualTo(
            new SimulationSettings(
                "/plant",
                Format.ORC,
                70,
                11,
                12,
                Instant.parse("2023-05-06T05:00:00Z"),
                Duration.ofMinutes(3),
                13,
                new Operation(17, 18, 19),
                new Defects(0.14, 1.5, 1.6, 20, 0.21, 0.22, 0.23, 0.24, 0.25)));
  }

  @Test
  void reportsEveryProblemInOneException() {
    assertThatThrownBy(
            () ->
                SimulationFixture.settings(
                    "simulate.units=0", "simulate.jitter=0.5", "simulate.format=parket"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining("must be between 1 and 1000000, but is 0")
        .hasMessageContaining("must be between 0.0 and 0.15, but is 0.5")
        .hasMessageContaining("did you mean parquet?");
  }

  @Test
  void refusesAnIntervalThatThePhysicsCannotFollow() {
    assertThatThrownBy(() -> SimulationFixture.settings("simulate.interval=1 day"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining("must be between 1 second and 6 hours, but is PT24H");
  }
}
