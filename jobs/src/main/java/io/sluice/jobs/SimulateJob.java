package io.sluice.jobs;

import io.sluice.sequences.simulation.PlantSimulator;
import io.sluice.sequences.simulation.SimulationReport;
import io.sluice.sequences.simulation.SimulationSettings;
import java.util.List;

/** Simulates a plant. */
public final class SimulateJob {
  static final Job<SimulationSettings, SimulationReport> JOB =
      new Job<>(
          "simulate",
          "Simulates a plant: pumps, motors, valves and heat exchangers with correlated channels,"
              + " wear that ends in failures, and the defects of real telemetry. Writes a long"
              + " historian table, a wide table and the events; the same seed gives the same plant.",
          List.of("simulate"),
          List.of(
              "simulate.sh --config conf/quickstart.conf",
              "simulate.sh --config plant.conf --set simulate.units=200 --set simulate.days=365",
              "simulate.sh --config plant.conf --set simulate.output=s3a://lake/raw"),
          SimulationSettings::from,
          (spark, settings, provenance) -> PlantSimulator.write(spark, settings),
          report -> {});

  private SimulateJob() {}

  public static void main(String[] args) {
    JobMain.run(JOB, args);
  }
}
