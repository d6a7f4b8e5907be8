package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.Settings;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every job. */
class JobsTest {
  private static final Path ROOT = Path.of(System.getenv("SLUICE_ROOT"));

  static Stream<Job<?, ?>> jobs() {
    return Stream.of(
        SimulateJob.JOB,
        BuildSequencesJob.JOB,
        TrainJob.JOB,
        EvaluateJob.JOB,
        ScoreJob.JOB,
        GenerateJob.JOB,
        PipelineJob.JOB);
  }

  @ParameterizedTest
  @MethodSource("jobs")
  void hasAScriptOfItsNameThatStartsItsClass(Job<?, ?> job) throws Exception {
    Path script = ROOT.resolve("submit-scripts").resolve(job.name() + ".sh");

    assertThat(script).isExecutable();
    String className = Files.readString(script).replaceAll("(?s).*sluice_submit (\\S+) .*", "$1");
    assertThat(Class.forName(className).getMethod("main", String[].class)).isNotNull();
    assertThat(Class.forName(className).getDeclaredField("JOB").get(null)).isSameAs(job);
  }

  @ParameterizedTest
  @MethodSource("jobs")
  void namesSectionsThatExist(Job<?, ?> job) {
    assertThat(Settings.parse("").explain(job.sections())).isNotEmpty();
  }

  @ParameterizedTest
  @MethodSource("jobs")
  void helpFitsAHundredColumns(Job<?, ?> job) {
    String help = Usage.commandLine(job, new JobCommand()).getUsageMessage();

    assertThat(help.lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(100));
    assertThat(help).contains("Reads the sections", "Examples:", job.name() + ".sh --config");
  }

  @Test
  void scriptsPassShellCheckWhereItIsInstalled() throws Exception {
    ShellCheck.assume();

    var process =
        new ProcessBuilder(ShellCheck.command(ROOT))
            .directory(ROOT.toFile())
            .redirectErrorStream(true)
            .start();
    var output = new StringWriter();
    process.inputReader().transferTo(output);

    assertThat(process.waitFor()).as(output.toString()).isZero();
  }
}
