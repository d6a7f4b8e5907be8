package io.sluice.training.async;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.net.DatagramSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A driver and two executors, three processes on one host. */
class AsyncGradientSharingIT {
  private static final String AERON =
      "-Daeron.publication.unblock.timeout=60000000000 -Daeron.term.buffer.length=4194304";

  @TempDir Path folder;

  @Test
  void trainsAcrossTwoExecutorProcesses() throws Exception {
    List<String> out = run(0, AERON, AERON, 2);

    assertThat(out).hasSize(4);
    for (int epoch = 0; epoch < 2; epoch++) {
      assertThat(out.get(epoch))
          .matches("epoch %d steps 60 sent (\\d+) applied \\1 .*".formatted(epoch));
    }
    String[] loss = out.get(2).split(" ");
    assertThat(Double.parseDouble(loss[3])).isLessThan(0.8 * Double.parseDouble(loss[1]));
    assertThat(out.get(3)).isEqualTo("spark goes on: 2");
  }

  @Test
  void namesTheOptionsThatExecutorsWereStartedWithout() throws Exception {
    List<String> out = run(1, AERON, "", 1);

    assertThat(out.get(0)).isEqualTo("failed: Cannot start async-gradient-sharing, 2 problem(s):");
    assertThat(out.subList(1, 3))
        .allMatch(
            line ->
                line.matches(
                    "  - executor [01] on 127\\.0\\.0\\.1: started without -Daeron\\.publication\\.unblock\\.timeout=60000000000 -Daeron\\.term\\.buffer\\.length=4194304\\. Add it to spark\\.executor\\.extraJavaOptions; the submit scripts do"));
  }

  private List<String> run(int status, String driver, String executors, int epochs)
      throws Exception {
    String classes =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    int port;
    try (var socket = new DatagramSocket(0)) {
      port = socket.getLocalPort();
    }
    // the executors' class path is ours; Spark asks only that its folder is there
    Files.createDirectories(folder.resolve("jars"));
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx512m", "-Dorg.bytedeco.javacpp.maxphysicalbytes=2g"));
    command.addAll(opens());
    command.addAll(Stream.of(driver.split(" ")).filter(o -> !o.isEmpty()).toList());
    command.addAll(
        List.of(
            "-Dspark.master=local-cluster[2,1,512]",
            "-Dspark.app.name=async-gradient-sharing",
            "-Dspark.ui.enabled=false",
            "-Dspark.executor.memory=512m",
            "-Dspark.executor.extraClassPath=" + classes,
            "-Dspark.executor.extraJavaOptions=" + executors,
            "-Dlog4j2.configurationFile=log4j2-test.properties",
            "-cp",
            classes,
            TwoExecutorProcesses.class.getName(),
            Integer.toString(port),
            Integer.toString(epochs)));
    var builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().put("SPARK_HOME", folder.toString());
    builder.environment().put("SPARK_SCALA_VERSION", "2.12");
    builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    try {
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("ended").isTrue();
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    assertThat(process.exitValue())
        .as("status; output:%n%s%n%s", Files.readString(out), Files.readString(err))
        .isEqualTo(status);
    return Files.readAllLines(out);
  }

  /** The packages that this JVM was told to open, for the next. */
  private static List<String> opens() {
    return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> argument.startsWith("--add-opens"))
        .toList();
  }
}
