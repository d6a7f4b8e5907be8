package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.failure.ExitStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Text at the command line: the job that cuts telemetry builds it, and no other job takes it. */
class TextJobTest extends CommandLine {
  @TempDir Path folder;

  private ExitStatus run(Job<?, ?> job, Supplier<SparkSession> session, String hocon)
      throws Exception {
    Path config = folder.resolve("text.conf");
    Files.writeString(config, "name = text, lake.root = \"%s\"\n%s".formatted(folder, hocon));
    return execute(job, session, "--config", config.toString());
  }

  @Test
  void buildSequencesBuildsAStreamAndTrainSaysWhatItIs() throws Exception {
    Files.writeString(folder.resolve("raw.txt"), "the cat sat\nthe dog ran\n");
    String hocon =
        """
        source { path = "%s/raw.txt", format = text }
        split { validation = 0, test = 0 }
        text { line-end = "<eos>", vocabulary.min-count = 1 }
        dataset.layout = stream
        """
            .formatted(folder);

    ExitStatus built = run(BuildSequencesJob.JOB, LOCAL, hocon);

    assertThat(built).isEqualTo(ExitStatus.DONE);
    assertThat(lastLine().get("report").get("layout").asText()).isEqualTo("stream");
    assertThat(lastLine().get("report").get("splits").get("train").get("tokens").asLong())
        .isEqualTo(8);
    ExitStatus trained = run(TrainJob.JOB, LOCAL, "");
    assertThat(trained).isEqualTo(ExitStatus.BAD_INPUT);
    assertThat(lastLine().get("error").asText())
        .isEqualTo(
            "Cannot train on %s/datasets/text: its layout is stream, and this release trains on documents. Rebuild with build-sequences and dataset.layout = documents."
                .formatted(folder));
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
