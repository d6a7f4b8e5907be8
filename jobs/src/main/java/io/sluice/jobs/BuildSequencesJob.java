package io.sluice.jobs;

import io.sluice.sequences.telemetry.BuildReport;
import io.sluice.sequences.telemetry.SequenceBuilder;
import io.sluice.sequences.telemetry.SequenceSettings;
import java.util.List;

/** Cuts raw telemetry into a sequence dataset (sequences.v1). */
public final class BuildSequencesJob {
  static final Job<SequenceSettings, BuildReport> JOB =
      new Job<>(
          "build-sequences",
          "Cuts raw telemetry into a sequence dataset: reads wide or long tables, refuses and counts"
              + " what cannot be used, resamples to a grid, splits, fits scalers on train rows only,"
              + " and publishes segments with a manifest and a leakage audit.",
          List.of(
              "name",
              "source",
              "reject",
              "resample",
              "features",
              "target",
              "window",
              "split",
              "scaling",
              "dataset"),
          List.of(
              "build-sequences.sh --config conf/quickstart.conf",
              "build-sequences.sh --config plant.conf --set window.look-back=192 \\",
              "    --set window.horizon=48",
              "build-sequences.sh --config plant.conf \\",
              "    --set dataset.rebuild-from=2024-03-01T00:00:00Z"),
          SequenceSettings::from,
          SequenceBuilder::build,
          report -> {});

  private BuildSequencesJob() {}

  public static void main(String[] args) {
    JobMain.run(JOB, args);
  }
}
