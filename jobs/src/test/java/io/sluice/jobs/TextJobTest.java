package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.failure.ExitStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;
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
