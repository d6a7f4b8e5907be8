package io.sluice.jobs;

import io.sluice.config.ConfigReader;
import io.sluice.config.Provenance;
import io.sluice.sequences.telemetry.SequenceBuilder;
import io.sluice.sequences.telemetry.SequenceSettings;
import io.sluice.sequences.telemetry.SequenceSettings.DatasetLayout;
import io.sluice.sequences.text.TextBuilder;
import io.sluice.sequences.text.TextSettings;
import java.util.List;
import org.apache.spark.sql.SparkSession;

/** Cuts raw telemetry into a sequence dataset (sequences.v1), or text (text-sequences.v1). */
public final class BuildSequencesJob {
  static final Job<BuildSequencesJob.Build, Record> JOB =
      new Job<>(
          "build-sequences",
          "Cuts raw telemetry into a sequence dataset: reads wide or long tables, refuses and counts"
              + " what cannot be used, resamples to a grid, splits, fits scalers on train rows only,"
              + " and publishes segments with a manifest and a leakage audit. With dataset.layout ="
              + " documents or stream it takes text instead: tokens, a vocabulary of the train split,"
              + " ids.",
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
              "text",
              "dataset"),
          List.of(
              "build-sequences.sh --config conf/quickstart.conf",
              "build-sequences.sh --config plant.conf --set window.look-back=192 \\",
              "    --set window.horizon=48",
              "build-sequences.sh --config plant.conf \\",
              "    --set dataset.rebuild-from=2024-03-01T00:00:00Z",
              "build-sequences.sh --config conf/imdb.conf --set dataset.incremental=true"),
          BuildSequencesJob::read,
          (spark, build, provenance) -> build.run(spark, provenance),
          report -> {});

  private BuildSequencesJob() {}

  /** What to build, settings and all. */
  @FunctionalInterface
  interface Build {
    Record run(SparkSession spark, Provenance provenance);
  }

  /** The settings of the layout that {@code dataset.layout} names. */
  static Build read(ConfigReader root) {
    String layout = root.section("dataset", s -> s.string("layout"));
    boolean isText =
        List.of(DatasetLayout.DOCUMENTS, DatasetLayout.STREAM).stream()
            .anyMatch(text -> ConfigReader.kebab(text).equals(layout));
    if (isText) {
      TextSettings settings = TextSettings.from(root);
      return (spark, provenance) -> TextBuilder.build(spark, settings, provenance);
    }
    SequenceSettings settings = SequenceSettings.from(root);
    return (spark, provenance) -> SequenceBuilder.build(spark, settings, provenance);
  }

  public static void main(String[] args) {
    JobMain.run(JOB, args);
  }
}
