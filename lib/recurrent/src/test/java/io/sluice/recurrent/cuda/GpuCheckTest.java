package io.sluice.recurrent.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

/** Its options; what it checks, it checks on a machine with a GPU. */
class GpuCheckTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    return GpuCheck.commandLine()
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true))
        .execute(arguments);
  }

  @Test
  void helpListsTheOptions() {
    int status = run("--help");

    assertThat(status).isZero();
    assertThat(out.toString())
        .startsWith("Usage: check-gpu.sh ")
        .contains(
            "--check ",
            "--time ",
            "--tune ",
            "--torch=SCRIPT ",
            "--blocks=N ",
            "Default: 7.",
            "--device=N ",
            "Default: 0.",
            "--record=FILE ");
  }

  @Test
  void anOptionThatThereIsNotIsRefusedWithThoseThatThereAre() {
    int status = run("--check", "--fast");

    assertThat(status).isEqualTo(2);
    assertThat(err.toString())
        .startsWith("Unknown option: '--fast'")
        .contains("--check ", "--record=FILE ");
  }

  @Test
  void aDeviceThatIsNoNumberIsRefused() {
    int status = run("--device=first");

    assertThat(status).isEqualTo(2);
    assertThat(err.toString())
        .startsWith("Invalid value for option '--device': 'first' is not an int");
  }

  @Test
  void aDeviceThatThereIsNotIsRefused() {
    assumeTrue(Cuda.problem().isEmpty(), "this machine has no GPU");

    int status = run("--check", "--device=4321");

    assertThat(status).isEqualTo(2);
    assertThat(err.toString())
        .startsWith("There is no GPU 4321 here: this machine has ")
        .doesNotContain("Usage");
  }

  @Test
  void withoutAGpuItFailsAndSaysWhy() {
    assumeTrue(Cuda.problem().isPresent(), "this machine has a GPU");

    int status = run("--check", "--time", "--blocks=3");

    assertThat(status).isEqualTo(1);
    assertThat(err.toString()).isEqualTo(Cuda.problem().get() + System.lineSeparator());
  }
}
