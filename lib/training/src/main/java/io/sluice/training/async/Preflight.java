package io.sluice.training.async;

import io.sluice.config.InvalidConfigException;
import io.sluice.failure.InsufficientClusterException;
import io.sluice.sequences.spark.JobDescription;
import java.io.File;
import java.io.IOException;
import java.io.Serializable;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.nd4j.parameterserver.distributed.v2.ModelParameterServer;

/**
 * What must hold before the run, in the driver and in every executor: JVM options, free ports,
 * datagrams that get through and back, room in shared memory. All that does not is told at once.
 *
 * <p>The executors are those that run the workers' tasks now; one that comes later is checked when
 * it joins.
 */
final class Preflight {
  private static final int ANSWER_MILLIS = 1000;
  private static final int QUESTIONS = 5;
  private static final long POLL_NANOS = 100_000_000;
  private static final String DRIVER = "driver";

  private Preflight() {}

  /** Refuses a Spark that promises authentication or encryption, which this traffic has not. */
  static void requireAccepted(SparkConf spark, boolean accepted) {
    for (String key : List.of("spark.authenticate", "spark.network.crypto.enabled")) {
      if (spark.getBoolean(key, false) && !accepted) {
        throw new InvalidConfigException(
            "of this Spark application",
            List.of(
                "%s: is true, and async-gradient-sharing sends over UDP, neither authenticated nor encrypted. Use train.strategy = gradient-sharing, or set train.async.accept-unauthenticated = true if every machine that reaches the executors' network is trusted"
                    .formatted(key)));
      }
    }
  }

  static void check(JavaSparkContext spark, JavaRDD<Integer> workers, AsyncRun run) {
    if (ModelParameterServer.getInstance().isInitialized()) {
      throw new InsufficientClusterException(
          "Another run with async-gradient-sharing is going on in this driver, which can hold one. Wait for its end.");
    }
    requireSlots(spark, workers.getNumPartitions(), run.settings().handshakeTimeout());
    var problems = new ArrayList<String>();
    Executors executors = new Executors(workers.getNumPartitions());
    addProblems(problems, DRIVER, run.driver().address(), executors.peers());
    try (DatagramSocket socket = run.driver().open();
        var answers = new Answers(socket, run.id())) {
      if (!spark.isLocal()) {
        try (var ignored = JobDescription.set(spark.sc(), "async-gradient-sharing: check ports")) {
          workers.map(worker -> problemsHere(run, executors)).collect().stream()
              .flatMap(List::stream)
              .distinct()
              .forEach(problems::add);
        }
      }
    } catch (IOException e) {
      problems.add(
          "driver: UDP port %s cannot be opened (%s). Free it, or change train.async.port or address"
              .formatted(run.driver(), e.getMessage()));
    }
    if (!problems.isEmpty()) {
      throw new InsufficientClusterException(
          "Cannot start async-gradient-sharing, %d problem(s):\n  - %s"
              .formatted(problems.size(), String.join("\n  - ", problems)));
    }
  }

  /** Executors register one after the other; the workers want all of them. */
  private static void requireSlots(JavaSparkContext spark, int workers, Duration timeout) {
    long start = System.nanoTime();
    while (slots(spark) < workers) {
      if (System.nanoTime() - start > timeout.toNanos()) {
        throw new InsufficientClusterException(
            "Cannot start %d workers: Spark has %d task slots after %d s. Lower train.workers or raise the number of executors."
                .formatted(workers, slots(spark), timeout.toSeconds()));
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  private static int slots(JavaSparkContext spark) {
    return spark
        .sc()
        .maxNumConcurrentTasks(spark.sc().resourceProfileManager().defaultResourceProfile());
  }

  /**
   * @param peers processes that a process has a connection to
   */
  private record Executors(int peers) implements Serializable {}

  private static List<String> problemsHere(AsyncRun run, Executors executors) {
    var problems = new ArrayList<String>();
    String name = "executor " + SparkEnv.get().executorId();
    String host = ShareTrainer.host();
    addProblems(problems, name, host, executors.peers());
    try {
      Endpoint own = Endpoint.free(host, run.settings().executorPort(), 0);
      try (DatagramSocket socket = own.open()) {
        if (!isAnswered(socket, run)) {
          problems.add(
              "%s on %s: no answer from the driver at UDP %s, asked %d times from %s. Open both for UDP, or set train.async.address to the driver's address on the executors' network"
                  .formatted(name, host, run.driver(), QUESTIONS, own));
        }
      }
    } catch (IOException e) {
      problems.add(
          "%s on %s: no UDP port to be had from %d on (%s). Change train.async.executor-port"
              .formatted(name, host, run.settings().executorPort(), e.getMessage()));
    }
    return problems;
  }

  private static void addProblems(List<String> problems, String name, String host, int peers) {
    List<String> missing = AeronOptions.missing();
    if (!missing.isEmpty()) {
      problems.add(
          "%s on %s: started without %s. Add it to spark.%s.extraJavaOptions; the submit scripts do"
              .formatted(
                  name,
                  host,
                  String.join(" ", missing),
                  name.equals(DRIVER) ? "driver" : "executor"));
    }
    sharedMemoryProblem(peers)
        .ifPresent(p -> problems.add("%s on %s: %s".formatted(name, host, p)));
  }

  /** Aeron keeps three term buffers for each direction of each connection, and its own books. */
  private static Optional<String> sharedMemoryProblem(int peers) {
    File shared = new File("/dev/shm");
    long needed = (16L << 20) + peers * 2L * 3 * AeronOptions.TERM_BYTES;
    if (!shared.isDirectory() || shared.getUsableSpace() >= needed) {
      return Optional.empty();
    }
    return Optional.of(
        "/dev/shm has %d MiB free, %d peers need %d. Enlarge it (--shm-size, or an emptyDir of medium Memory), or lower the number of workers"
            .formatted(shared.getUsableSpace() >> 20, peers, needed >> 20));
  }

  private static boolean isAnswered(DatagramSocket socket, AsyncRun run) throws IOException {
    byte[] question = run.id().getBytes(StandardCharsets.UTF_8);
    socket.setSoTimeout(ANSWER_MILLIS);
    for (int n = 0; n < QUESTIONS; n++) {
      socket.send(new DatagramPacket(question, question.length, run.driver().socketAddress()));
      try {
        var answer = new DatagramPacket(new byte[question.length], question.length);
        socket.receive(answer);
        if (Arrays.equals(answer.getData(), question)) {
          return true;
        }
      } catch (SocketTimeoutException e) {
        // datagrams may be lost: ask again
      }
    }
    return false;
  }

  /** Sends the run's own datagrams back to where they came from. */
  private static final class Answers implements AutoCloseable {
    private final DatagramSocket socket;
    private final byte[] expected;

    Answers(DatagramSocket socket, String runId) {
      this.socket = socket;
      this.expected = runId.getBytes(StandardCharsets.UTF_8);
      var thread = new Thread(this::answer, "async-gradient-sharing-preflight");
      thread.setDaemon(true);
      thread.start();
    }

    private void answer() {
      var packet = new DatagramPacket(new byte[expected.length], expected.length);
      while (!socket.isClosed()) {
        try {
          socket.receive(packet);
          if (Arrays.equals(packet.getData(), expected)) {
            socket.send(packet);
          }
        } catch (IOException e) {
          // closed, or a datagram that could not be answered
        }
      }
    }

    @Override
    public void close() {
      socket.close();
    }
  }
}
