package io.sluice.training.allreduce;

import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.Security;
import io.sluice.training.transport.TransportSettings;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;

/** Rank 1 of 2 in a process of its own, to be killed: it sums once with rank 0, then waits. */
final class RankProcess implements AutoCloseable {
  static final TransportSettings TRANSPORT =
      Security.NONE.settings().withHeartbeat(Duration.ofMillis(100), Duration.ofSeconds(1));

  final Process process;
  private final BufferedReader out;

  RankProcess(GroupKey key, String addressOfZero) throws IOException {
    process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                RankProcess.class.getName(),
                HexFormat.of().formatHex(key.secret()),
                addressOfZero)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    out = process.inputReader(StandardCharsets.UTF_8);
  }

  String address() throws IOException {
    return out.readLine();
  }

  void signal(String name) throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
  }

  public static void main(String[] args) throws Exception {
    GroupKey key = new GroupKey("run-7", HexFormat.of().parseHex(args[0]));
    try (var rendezvous = Rendezvous.open(TRANSPORT, 1, 2, key, AllReduceSettings.DEFAULT)) {
      System.out.println(rendezvous.address());
      try (var allReduce =
          rendezvous.join(List.of(args[1], rendezvous.address()), Ranks.DEADLINE)) {
        allReduce.sum(new double[] {1});
        System.in.read(); // until it is killed
      }
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
