package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.failure.ExitStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.function.Supplier;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Text at the command line: the jobs of telemetry take it. */
class TextJobTest extends CommandLine {
  @TempDir Path folder;

  private ExitStatus run(Job<?, ?> job, Supplier<SparkSession> session, String hocon)
      throws Exception {
    Path config = folder.resolve("text.conf");
    Files.writeString(config, "name = text, lake.root = \"%s\"\n%s".formatted(folder, hocon));
    return execute(job, session, "--config", config.toString());
  }

  @Test
  void aStreamIsBuiltLearnedJudgedScoredAndContinued() throws Exception {
    Files.writeString(folder.resolve("raw.txt"), "the cat sat\nthe dog ran\n");
    String hocon =
        """
        source { path = "%1$s/raw.txt", validation-path = "%1$s/raw.txt", format = text }
        split { validation = 0, test = 0 }
        text { tokens = whitespace, line-end = "<eos>", vocabulary.min-count = 1 }
        dataset.layout = stream
        """
            .formatted(folder);

    ExitStatus built = run(BuildSequencesJob.JOB, LOCAL, hocon);

    assertThat(built).isEqualTo(ExitStatus.DONE);
    assertThat(lastLine().get("report").get("layout").asText()).isEqualTo("stream");
    assertThat(lastLine().get("report").get("splits").get("train").get("tokens").asLong())
        .isEqualTo(8);
    assertThat(run(TrainJob.JOB, LOCAL, "")).isEqualTo(ExitStatus.BAD_INPUT);
    assertThat(lastLine().get("error").asText())
        .isEqualTo(
            "Cannot train on %s/datasets/text: its train split has 8 tokens, and 64 streams (train.batch-size) of at least 2 need 128. Lower train.batch-size to at most 4, or build a larger dataset."
                .formatted(folder));
    ExitStatus trained =
        run(
            TrainJob.JOB,
            LOCAL,
            """
            model { embedding-size = 3, hidden-sizes = [4], output = sequence }
            train { batch-size = 2, bptt-steps = 2, epochs = 2 }
            """);
    assertThat(trained).isEqualTo(ExitStatus.DONE);
    assertThat(lastLine().get("report").get("trainWindows").asLong()).isEqualTo(2 * 3);
    ExitStatus judged = run(EvaluateJob.JOB, LOCAL, "evaluate.split = validation");
    assertThat(judged).isEqualTo(ExitStatus.DONE);
    assertThat(lastLine().get("report").get("metrics").get("perplexity").asDouble())
        .isBetween(1.0, 9.0);
    assertThat(folder.resolve("runs/text/evaluation/index.html"))
        .content()
        .contains("The next token is as hard to tell as one of");
    assertThat(run(ScoreJob.JOB, LOCAL, hocon)).isEqualTo(ExitStatus.DONE);
    // a line is a document, and its end is a token
    assertThat(lastLine().get("report").get("predictionsWritten").asLong()).isEqualTo(2);
    assertThat(lastLine().get("report").get("scoredTokens").asLong()).isEqualTo(8);
    ExitStatus generated =
        run(
            GenerateJob.JOB,
            LOCAL,
            "generate { prompt = \"the horse\", tokens = 5, temperature = 0 }");
    assertThat(generated).isEqualTo(ExitStatus.DONE);
    assertThat(lastLine().get("report").get("tokens").asInt()).isEqualTo(5);
    assertThat(lastLine().get("report").get("unknownWords").get(0).asText()).isEqualTo("horse");
  }

  /** All four steps in one session: one word of a report tells its class. */
  @Test
  void documentsAreBuiltLearnedJudgedAndScoredWithTheirWords() throws Exception {
    var random = new Random(5);
    var csv = new StringBuilder("id,label,text\n");
    for (int d = 0; d < 120; d++) {
      boolean good = random.nextBoolean();
      csv.append(
          "%d,%s,the pump is %s %s%n"
              .formatted(
                  d,
                  good ? "good" : "bad",
                  random.nextBoolean() ? "not" : "still",
                  good ? "fine" : "broken"));
    }
    Files.writeString(folder.resolve("raw.csv"), csv);

    ExitStatus status =
        run(
            PipelineJob.JOB,
            LOCAL,
            """
            source { path = "%1$s/raw.csv", format = csv, columns { id = id, label = label, text = text } }
            split { validation = 0.2, test = 0.2 }
            text.vocabulary.min-count = 1
            dataset.layout = documents
            model { embedding-size = 4, hidden-sizes = [6], attention = additive }
            train { batch-size = 8, epochs = 10, learning-rate = 0.05 }
            evaluate { gate-metric = accuracy, gate-limit = 0.9, explain.samples = 3 }
            score.explain = attention
            """
                .formatted(folder));

    assertThat(status).isEqualTo(ExitStatus.DONE);
    JsonNode report = lastLine().get("report");
    assertThat(report.at("/build/layout").asText()).isEqualTo("documents");
    assertThat(report.at("/evaluate/metrics/accuracy").asDouble()).isGreaterThan(0.9);
    assertThat(report.at("/score/predictionsWritten").asLong()).isEqualTo(120);
    assertThat(report.at("/score/accuracy").asDouble()).isGreaterThan(0.9);
    assertThat(folder.resolve("runs/text/evaluation/index.html"))
        .content()
        .contains(
            "The class is right in ",
            "Which words the class hangs on",
            "<figure class=\"attention\">",
            "<figure class=\"occlusion\">",
            "id=\"reliability-chart\"");
    assertThat(folder.resolve("runs/text/evaluation/summary.txt"))
        .content()
        .contains("test documents", "dataset      " + folder)
        .containsPattern("\\(120 rows: \\d+ \\w+, \\d+ \\w+\\)");
    try (SparkSession spark = LOCAL.get()) {
      Row row =
          spark
              .read()
              .parquet(report.at("/score/predictions").asText())
              .where("id = '7'")
              .selectExpr(
                  "attention.token", "aggregate(attention, 0D, (sum, each) -> sum + each.weight)")
              .head();
      assertThat(row.<String>getList(0)).hasSize(5).startsWith("the", "pump", "is");
      assertThat(row.getDouble(1)).isCloseTo(1, within(1e-5));
    }
  }

  @Test
  void badSettingsOfTextAreToldTogetherWithTheirLines() throws Exception {
    ExitStatus status =
        run(
            BuildSequencesJob.JOB,
            NO_SESSION,
            """
            source { path = raw }
            text { tokens = words, max-tokens = -1 }
            dataset.layout = documents
            """);

    assertThat(status).isEqualTo(ExitStatus.BAD_SETTINGS);
    assertThat(err().strip())
        .isEqualTo(
            """
            Invalid configuration %1$s/text.conf, 2 problem(s):
              - text.tokens (%1$s/text.conf: 3): must be one of [word, whitespace, character, subword], but is "words"; did you mean word?
              - text.max-tokens (%1$s/text.conf: 3): must be at least 0, but is -1"""
                .formatted(folder));
  }

  @Test
  void aLayoutThatIsNoneIsToldTheFour() throws Exception {
    ExitStatus status =
        run(
            BuildSequencesJob.JOB,
            NO_SESSION,
            "source { path = raw, series-from = single }, dataset.layout = document");

    assertThat(status).isEqualTo(ExitStatus.BAD_SETTINGS);
    assertThat(err())
        .contains(
            "must be one of [segments, windows, documents, stream], but is \"document\"; did you mean documents?");
  }
}
