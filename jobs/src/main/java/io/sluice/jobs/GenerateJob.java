package io.sluice.jobs;

import io.sluice.scoring.generation.GenerateReport;
import io.sluice.scoring.generation.GenerateSettings;
import io.sluice.scoring.generation.TextGenerator;
import java.util.List;

/** Continues a text with a language model. */
public final class GenerateJob {
  static final Job<GenerateSettings, GenerateReport> JOB =
      new Job<>(
          "generate",
          "Continues a prompt with a language model, token by token: the most probable one, or"
              + " drawn with a temperature from all or the top k. The same seed gives the same"
              + " text. It runs in the driver and needs no executor.",
          List.of("name", "device", "registry", "generate"),
          List.of(
              "generate.sh --config conf/ptb.conf --set generate.prompt='the company said'",
              "generate.sh --config conf/ptb.conf --set generate.temperature=0.8 \\",
              "    --set generate.top-k=40 --set generate.seed=7 --set generate.tokens=200"),
          GenerateSettings::from,
          (spark, settings, provenance) ->
              TextGenerator.run(settings, spark.sessionState().newHadoopConf()),
          report -> {});

  private GenerateJob() {}

  public static void main(String[] args) {
    JobMain.run(JOB, args);
  }
}
