package io.sluice.benchmarks;

import io.sluice.training.allreduce.AllReduce;
import io.sluice.training.allreduce.AllReduceSettings;
import io.sluice.training.allreduce.Rendezvous;
import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.TransportSettings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import scala.Option;

/**
 * From which length on is the ring faster than halving and doubling, and what does a message cost?
 *
 * <pre>lib/benchmarks/run.sh all-reduce-sizes [--record]</pre>
 *
 * <p>Two and four processes on loopback, both ways for each length in turn, each sum after a
 * barrier, on the clock of rank 0. Loopback is not a network: a message there costs the waking of a
 * thread and no wire, bytes are copied by the cores that compute, and four processes on two cores
 * wait for each other's time slices too.
 *
 * <p>The fits are least squares over the lengths, by rank count R and with n bytes:
 *
 * <pre>{@code
 * ring                   t = 2(R−1)·hop + 2(R−1)/R · n / rate
 * halving and doubling   t = 2·log₂R·hop + 2(R−1)/R · n / rate
 * }</pre>
 */
public final class AllReduceSizesBenchmark {
  private static final int[] KIBIBYTES = {8, 16, 32, 64, 128, 256, 512, 1024};
  private static final int ROUNDS = 300;
  private static final int WARM_UP = 300;
  private static final Duration DEADLINE = Duration.ofSeconds(60);

  private AllReduceSizesBenchmark() {}

  public static void main(String[] args) throws Exception {
    if (args.length > 0) {
      peer(Integer.parseInt(args[0]), Integer.parseInt(args[1]), args[2]);
      return;
    }
    var report =
        new Report(
            "all-reduce-sizes",
            "From which length on is the ring faster than halving and doubling?");
    for (int ranks : new int[] {2, 4}) {
      measure(ranks, report);
    }
    report.finish();
  }

  private static void measure(int ranks, Report report) throws Exception {
    GroupKey secret = GroupKey.create("sizes");
    var peers = new ArrayList<Process>();
    try (var own = new Member(0, ranks, secret.secret())) {
      var addresses = new ArrayList<>(List.of(own.addresses()));
      for (int rank = 1; rank < ranks; rank++) {
        peers.add(start(rank, ranks, HexFormat.of().formatHex(secret.secret())));
      }
      var outs = new ArrayList<BufferedReader>();
      for (Process peer : peers) {
        outs.add(peer.inputReader(StandardCharsets.UTF_8));
        addresses.add(outs.get(outs.size() - 1).readLine());
      }
      for (Process peer : peers) {
        try (var in = peer.outputWriter(StandardCharsets.UTF_8)) {
          in.write(String.join(" ", addresses) + "\n");
        }
      }
      own.join(addresses);
      own.measure().report(ranks, report);
    } finally {
      peers.forEach(Process::destroy);
    }
  }

  private static void peer(int rank, int ranks, String secret) throws Exception {
    try (var own = new Member(rank, ranks, HexFormat.of().parseHex(secret));
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      System.out.println(own.addresses());
      own.join(List.of(in.readLine().split(" ")));
      own.measure();
    }
  }

  private static Process start(int rank, int ranks, String secret) throws IOException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-Xmx512m", "-cp", System.getProperty("java.class.path")));
    command.addAll(
        List.of(
            AllReduceSizesBenchmark.class.getName(),
            Integer.toString(rank),
            Integer.toString(ranks),
            secret));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  /** A rank in two groups, one for each way. */
  private static final class Member implements AutoCloseable {
    private final int rank;
    private final int ranks;
    private final Rendezvous[] rendezvous = new Rendezvous[2];
    private final AllReduce[] ways = new AllReduce[2];
    private final Map<Integer, double[][]> seconds = new LinkedHashMap<>();
    private double[] barrierSeconds;

    Member(int rank, int ranks, byte[] secret) throws IOException {
      this.rank = rank;
      this.ranks = ranks;
      var conf = new SparkConf(false);
      var security =
          new SecurityManager(conf, Option.empty(), SecurityManager.$lessinit$greater$default$3());
      var transport = TransportSettings.of(conf, security, "127.0.0.1");
      for (int way = 0; way < 2; way++) {
        rendezvous[way] =
            Rendezvous.open(
                transport,
                rank,
                ranks,
                new GroupKey("way-" + way, secret),
                AllReduceSettings.DEFAULT.withRingBytes(way == 0 ? 0 : 1 << 20));
      }
    }

    String addresses() {
      return rendezvous[0].address() + "," + rendezvous[1].address();
    }

    void join(List<String> addresses) throws InterruptedException {
      for (int way = 0; way < 2; way++) {
        int w = way;
        ways[way] =
            rendezvous[way].join(
                addresses.stream().map(both -> both.split(",")[w]).toList(), DEADLINE);
      }
    }

    Member measure() throws Exception {
      for (int kibibytes : KIBIBYTES) {
        seconds.put(kibibytes, new double[2][ROUNDS]);
      }
      barrierSeconds = new double[ROUNDS];
      for (int round = -WARM_UP; round < ROUNDS; round++) {
        for (int kibibytes : KIBIBYTES) {
          ByteBuffer array =
              ByteBuffer.allocateDirect(kibibytes << 10).order(ByteOrder.nativeOrder());
          for (int way = 0; way < 2; way++) {
            array.clear();
            array.asFloatBuffer().put(0, rank + 1);
            ways[way].sum(new double[0]);
            long start = System.nanoTime();
            ways[way].sum(array).await(DEADLINE);
            double took = (System.nanoTime() - start) / 1e9;
            float sum = array.asFloatBuffer().get(0);
            if (sum != ranks * (ranks + 1) / 2f) {
              throw new IllegalStateException("sum is " + sum);
            }
            if (round >= 0) {
              seconds.get(kibibytes)[way][round] = took;
            }
          }
        }
        long start = System.nanoTime();
        ways[1].sum(new double[2]);
        if (round >= 0) {
          barrierSeconds[round] = (System.nanoTime() - start) / 1e9;
        }
      }
      return this;
    }

    void report(int ranks, Report report) {
      var json = new LinkedHashMap<String, Object>();
      double[][] medians = new double[2][KIBIBYTES.length];
      for (int i = 0; i < KIBIBYTES.length; i++) {
        for (int way = 0; way < 2; way++) {
          medians[way][i] = median(seconds.get(KIBIBYTES[i])[way]);
        }
        json.put(
            KIBIBYTES[i] + " KiB",
            Map.of(
                "ringMicros", Report.rounded(medians[0][i] * 1e6),
                "halvingDoublingMicros", Report.rounded(medians[1][i] * 1e6)));
        System.out.printf(
            "%d ranks, %5d KiB: ring %7.0f us, halving and doubling %7.0f us%n",
            ranks, KIBIBYTES[i], medians[0][i] * 1e6, medians[1][i] * 1e6);
      }
      json.put("two numbers, micros", Report.rounded(median(barrierSeconds) * 1e6));
      int rounds = 31 - Integer.numberOfLeadingZeros(ranks);
      json.put("ring", fit(medians[0], 2 * (ranks - 1), ranks));
      json.put("halvingDoubling", fit(medians[1], 2 * rounds, ranks));
      System.out.println(json);
      report.put(ranks + " ranks", json);
    }

    /** t = hops · hop + 2(R−1)/R · n / rate. */
    private static Map<String, Object> fit(double[] seconds, int hops, int ranks) {
      int m = seconds.length;
      double[] x =
          Arrays.stream(KIBIBYTES).mapToDouble(k -> 2.0 * (ranks - 1) / ranks * k * 1024).toArray();
      double meanX = Arrays.stream(x).average().orElseThrow();
      double meanY = Arrays.stream(seconds).average().orElseThrow();
      double xy = 0;
      double xx = 0;
      for (int i = 0; i < m; i++) {
        xy += (x[i] - meanX) * (seconds[i] - meanY);
        xx += (x[i] - meanX) * (x[i] - meanX);
      }
      double perByte = xy / xx;
      double hop = (meanY - perByte * meanX) / hops;
      return Map.of(
          "hopMicros", Report.rounded(hop * 1e6), "bytesPerSecond", Report.rounded(1 / perByte));
    }

    private static double median(double[] seconds) {
      return Arrays.stream(seconds).sorted().skip(seconds.length / 2).findFirst().orElseThrow();
    }

    @Override
    public void close() {
      for (int way = 0; way < 2; way++) {
        if (ways[way] != null) {
          ways[way].close();
        }
        rendezvous[way].close();
      }
    }
  }
}
