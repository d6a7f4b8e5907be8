package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * A language model in two executor processes: ranks, or stages, that carry states from step to
 * step.
 */
class TextExecutorsIT {
  private static final int LINES = 1500;

  private static Path lake;
  private static Path corpus;
  private static Script.Result alone;

  @BeforeAll
  static void buildAndTrainInOneProcess() throws Exception {
    lake = SmallPlant.folder("text");
    corpus = Files.writeString(lake.resolve("corpus.txt"), sentences());
    job("build-sequences.sh")
        .env("SLUICE_MASTER", "local-cluster[2,1,1024]")
        .run()
        .requireStatus(0);
    alone = train("alone").set("train.strategy", "local").run().requireStatus(0);
  }

  @Test
  void ranksCarryTheirStatesThroughTheLossOfAnExecutor() throws Exception {
    Script.Running running = onExecutors("ranks").set("train.strategy", "gradient-sharing").start();
    Path checkpoints = folder("ranks").resolve("checkpoints");
    running.awaitThat("a checkpoint", () -> Checkpoints.newestStep(checkpoints) >= 20);
    running.processes("CoarseGrainedExecutorBackend").get(0).destroyForcibly();
    Script.Result result = running.await().requireStatus(0);

    assertThat(result.err()).containsPattern("Rank [01] of 2 .* was lost: .* Going on from step");
    assertSame(result);
  }

  @Test
  void stagesTrainTheSameModelWhichThenJudgesDocumentsInExecutors() throws Exception {
    Script.Result result =
        onExecutors("stages")
            .set("train.strategy", "pipeline")
            .set("train.pipeline.stages", "2")
            .run()
            .requireStatus(0);

    assertThat(result.err()).contains("1 replica of 2 pipeline stages");
    assertSame(result);
    JsonNode scored =
        job("score.sh")
            .set("registry.path", quoted(folder("stages").resolve("registry")))
            .env("SLUICE_MASTER", "local-cluster[2,1,1024]")
            .run()
            .requireStatus(0)
            .report();
    assertThat(scored.get("predictionsWritten").asLong()).isEqualTo(LINES);
    JsonNode text =
        job("generate.sh")
            .set("registry.path", quoted(folder("stages").resolve("registry")))
            .set("generate.prompt", "\"the pump is\"")
            .set("generate.tokens", "8")
            .run()
            .requireStatus(0)
            .report();
    assertThat(text.get("tokens").asInt()).isEqualTo(8);
    assertThat(text.get("unknownWords")).isEmpty();
  }

  /** As one process: parameters, and the perplexity over the whole validation stream. */
  private static void assertSame(Script.Result result) throws Exception {
    Checkpoints.assertEqualToRounding(result, alone);
    double expected = alone.report().get("bestValidationLoss").asDouble();
    assertThat(result.report().get("bestValidationLoss").asDouble())
        .isCloseTo(expected, within(1e-5 * expected));
  }

  private static Script onExecutors(String name) {
    return train(name).env("SLUICE_MASTER", "local-cluster[2,1,1024]");
  }

  private static Script train(String name) {
    Path folder = folder(name);
    return job("train.sh")
        .set("registry.path", quoted(folder.resolve("registry")))
        .set("train.checkpoint.path", quoted(folder.resolve("checkpoints")))
        .set("train.metrics-path", quoted(folder.resolve("metrics.jsonl")));
  }

  private static Script job(String name) {
    return Script.named(name)
        .with("--config", Script.ROOT.resolve("jobs/src/test/resources/small-text.conf").toString())
        .set("lake.root", quoted(lake))
        .set("source.path", quoted(corpus))
        .set("source.validation-path", quoted(corpus));
  }

  private static Path folder(String name) {
    return lake.resolve("trained").resolve(name);
  }

  private static String quoted(Path path) {
    return "\"" + path + "\"";
  }

  private static String sentences() {
    List<String> subjects = List.of("the pump", "the valve", "a motor", "the old exchanger");
    List<String> verbs = List.of("is", "was", "seems", "stays");
    List<String> ends = List.of("hot", "cold .", "loud at night", "out of order .");
    var random = new Random(7);
    var text = new StringBuilder();
    for (int line = 0; line < LINES; line++) {
      for (List<String> words : List.of(subjects, verbs, ends)) {
        text.append(words.get(random.nextInt(words.size()))).append(' ');
      }
      text.append('\n');
    }
    return text.toString();
  }
}
