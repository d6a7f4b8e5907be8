package io.sluice.benchmarks;

import io.sluice.training.allreduce.AllReduce;
import io.sluice.training.allreduce.AllReduceSettings;
import io.sluice.training.allreduce.Rendezvous;
import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.TransportSettings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import scala.Option;

/**
 * How near does an all-reduce come to what the connection itself can move?
 *
 * <pre>lib/benchmarks/run.sh all-reduce [--record]</pre>
 *
 * <p>Two processes on loopback. With two ranks an all-reduce of n bytes sends n bytes each way, so
 * it is measured against a pair of plain blocking socket channels that carry n bytes each way at
 * once, from memory of n bytes into memory of n bytes; a pair of threads in each process. Turn by
 * turn in one run; each round begins with a barrier, and its sums are checked, number by number,
 * outside the time that counts.
 *
 * <p>Result: results/all-reduce.json (2026-11-26, 2 cores of an AMD EPYC): 0.83 of the raw pair's
 * rate at 64 MiB, 0.75 at 16, 0.74 at 4. Before HotSpot has compiled (200 rounds of 4 MiB first, 64
 * last) it is 0.54 to 0.62 at 4 and 16 MiB.
 */
public final class AllReduceBenchmark {
  private static final int[] MEBIBYTES = {64, 16, 4};
  private static final int WARM_UP = Integer.getInteger("wu", 150);
  private static final int ROUNDS = Integer.getInteger("ro", 41);
  private static final Duration DEADLINE = Duration.ofSeconds(30);

  private AllReduceBenchmark() {}

  public static void main(String[] args) throws Exception {
    int rank = args.length == 0 ? 0 : 1;
    GroupKey key =
        rank == 0
            ? GroupKey.create("benchmark")
            : new GroupKey("benchmark", HexFormat.of().parseHex(args[0]));
    var settings = AllReduceSettings.DEFAULT;
    var conf = new SparkConf(false);
    var transport =
        TransportSettings.of(
            conf,
            new SecurityManager(
                conf, Option.empty(), SecurityManager.$lessinit$greater$default$3()),
            "127.0.0.1");
    try (var rendezvous = Rendezvous.open(transport, rank, 2, key, settings);
        var server = rank == 0 ? ServerSocketChannel.open() : null) {
      if (rank == 0) {
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
        Process peer = peer(HexFormat.of().formatHex(key.secret()), rendezvous.address(), port);
        try (BufferedReader out = peer.inputReader(StandardCharsets.UTF_8)) {
          String address = out.readLine();
          try (var allReduce = rendezvous.join(List.of(rendezvous.address(), address), DEADLINE);
              var raw = new RawPair(server.accept())) {
            new Run(allReduce, raw).measure().report();
          }
        } finally {
          peer.destroy();
        }
      } else {
        PrintStream out = System.out;
        out.println(rendezvous.address());
        try (var allReduce = rendezvous.join(List.of(args[1], rendezvous.address()), DEADLINE);
            var raw =
                new RawPair(
                    SocketChannel.open(
                        new InetSocketAddress(
                            InetAddress.getLoopbackAddress(), Integer.parseInt(args[2]))))) {
          new Run(allReduce, raw).measure();
        }
      }
    }
  }

  private static Process peer(String secret, String address, int port) throws IOException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(
        List.of(AllReduceBenchmark.class.getName(), secret, address, Integer.toString(port)));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  /** One plain socket channel, both directions at once. */
  private static final class RawPair implements AutoCloseable {
    private final SocketChannel channel;
    private final ExecutorService writer = Executors.newSingleThreadExecutor();

    RawPair(SocketChannel channel) throws IOException {
      this.channel = channel;
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    }

    void exchange(ByteBuffer out, ByteBuffer in) throws Exception {
      var written =
          CompletableFuture.runAsync(
              () -> {
                try {
                  while (out.hasRemaining()) {
                    channel.write(out);
                  }
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              },
              writer);
      while (in.hasRemaining()) {
        if (channel.read(in) < 0) {
          throw new IOException("the peer closed the raw socket");
        }
      }
      written.get();
    }

    @Override
    public void close() throws IOException {
      writer.shutdown();
      channel.close();
    }
  }

  private static final class Run {
    private final AllReduce allReduce;
    private final RawPair raw;
    private final Map<Integer, Turns.Times> rawTimes = new LinkedHashMap<>();
    private final Map<Integer, Turns.Times> sumTimes = new LinkedHashMap<>();
    private final Map<Integer, Double> bytesOverBound = new LinkedHashMap<>();

    Run(AllReduce allReduce, RawPair raw) {
      this.allReduce = allReduce;
      this.raw = raw;
    }

    Run measure() throws Exception {
      for (int mebibytes : MEBIBYTES) {
        int bytes = mebibytes << 20;
        ByteBuffer array = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
        ByteBuffer other = ByteBuffer.allocateDirect(bytes);
        var rawSeconds = new ArrayList<Double>();
        var sumSeconds = new ArrayList<Double>();
        long sent = 0;
        int warmUp = mebibytes == MEBIBYTES[0] ? WARM_UP : 5;
        for (int round = -warmUp; round < ROUNDS; round++) {
          allReduce.sum(new double[0]);
          long start = System.nanoTime();
          raw.exchange(array.clear(), other.clear());
          double rawTook = (System.nanoTime() - start) / 1e9;

          fill(array.clear(), round);
          allReduce.sum(new double[0]);
          long before = allReduce.bytesSent();
          start = System.nanoTime();
          allReduce.sum(array.clear()).await(DEADLINE);
          double sumTook = (System.nanoTime() - start) / 1e9;
          check(array, round);
          if (round >= 0) {
            rawSeconds.add(rawTook);
            sumSeconds.add(sumTook);
            sent += allReduce.bytesSent() - before;
          }
        }
        rawTimes.put(mebibytes, new Turns.Times("bytes each way", bytes, rawSeconds));
        sumTimes.put(mebibytes, new Turns.Times("bytes each way", bytes, sumSeconds));
        bytesOverBound.put(mebibytes, (double) sent / ROUNDS / bytes);
      }
      return this;
    }

    private void fill(ByteBuffer array, int round) {
      FloatBuffer floats = array.order(ByteOrder.nativeOrder()).asFloatBuffer();
      float[] block = new float[1 << 14];
      for (int at = 0; at < floats.limit(); at += block.length) {
        for (int i = 0; i < block.length; i++) {
          block[i] = value(allReduce.rank(), round, at + i);
        }
        floats.put(at, block);
      }
    }

    private static void check(ByteBuffer array, int round) {
      FloatBuffer floats = array.clear().order(ByteOrder.nativeOrder()).asFloatBuffer();
      float[] block = new float[1 << 14];
      for (int at = 0; at < floats.limit(); at += block.length) {
        floats.get(at, block);
        for (int i = 0; i < block.length; i++) {
          float expected = value(0, round, at + i) + value(1, round, at + i);
          if (block[i] != expected) {
            throw new IllegalStateException(
                "sum[%d] is %s, expected %s".formatted(at + i, block[i], expected));
          }
        }
      }
    }

    private static float value(int rank, int round, int i) {
      return (i * 31 + round * 7 + rank * 13 & 0xFFFF) * 0.37f;
    }

    void report() throws IOException {
      var report =
          new Report(
              "all-reduce",
              "How near does an all-reduce of two processes come to a raw pair of sockets?");
      for (int mebibytes : MEBIBYTES) {
        Turns.Times rawTook = rawTimes.get(mebibytes);
        Turns.Times sumTook = sumTimes.get(mebibytes);
        String size = mebibytes + " MiB";
        System.out.println(size + " raw: " + rawTook);
        System.out.println(size + " sum: " + sumTook);
        report
            .putTimes(size, Map.of("raw", rawTook, "all-reduce", sumTook))
            .require(
                size + ": share of the raw pair's rate",
                rawTook.median() / sumTook.median(),
                ">= 0.7",
                rawTook.median() / sumTook.median() >= 0.7)
            .require(
                size + ": bytes over 2(p-1)/p n",
                bytesOverBound.get(mebibytes),
                "<= 1.02",
                bytesOverBound.get(mebibytes) <= 1.02);
      }
      report.finish();
    }
  }
}
