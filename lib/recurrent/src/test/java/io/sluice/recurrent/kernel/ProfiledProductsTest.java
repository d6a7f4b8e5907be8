package io.sluice.recurrent.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Recording;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A profiler interrupts threads by signals, whose handlers write to where the stack pointer points.
 * oneDNN up to 3.11.1 let it point into the heap meanwhile (its issue 4845): a process under Flight
 * Recorder or async-profiler died in training.
 */
class ProfiledProductsTest {
  private static final Duration WORK = Duration.ofSeconds(2);

  /** By its source it did for sums of more than 2,048 terms. */
  private static final int K = 2600;

  private static final int N = 96;

  @Test
  void productsUnderAProfilerLeaveTheProcessAlive(@TempDir Path folder) throws Exception {
    assumeTrue(OneDnn.problem().isEmpty(), "oneDNN does not load");
    Path output = folder.resolve("output");

    var command =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                ProfiledProductsTest.class.getName())
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    command.environment().put("OMP_NUM_THREADS", "1");

    Process process = command.start();

    boolean ended = process.waitFor(60, TimeUnit.SECONDS);
    process.destroyForcibly();
    assertThat(ended).isTrue();
    assertThat(process.exitValue()).as("%s", Files.readString(output)).isZero();
  }

  /** Products by turns with Java: only a thread in Java is interrupted, a moment later. */
  public static void main(String[] args) {
    try (var recording = new Recording();
        var a = new FloatPointer(new float[20 * K]);
        var b = new FloatPointer(new float[K * N]);
        var c = new FloatPointer(20L * N)) {
      recording.enable("jdk.ExecutionSample").withPeriod(Duration.ofMillis(1));
      recording.start();
      float[] numbers = new float[20 * N];
      long end = System.nanoTime() + WORK.toNanos();
      while (System.nanoTime() - end < 0) {
        for (int k = 0; k < 100; k++) {
          for (int n = 0; n < numbers.length; n++) {
            numbers[n] = (float) Math.sqrt(numbers[n] + k);
          }
          Gemm.ONE_DNN.multiply(false, false, 20, N, K, a, b, 0, c);
        }
        // what lies before and behind is looked at
        new FloatPointer(1000).close();
      }
    }
  }
}
