package io.sluice.benchmarks.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.benchmarks.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.DoubleStream;

/**
 * What does a step cost at 8, 64 and 512 ranks, and which setting moves it?
 *
 * <pre>lib/benchmarks/run.sh cost-model [--record]</pre>
 *
 * <p>A step of R ranks, each with a batch of its own of the same size (weak scaling):
 *
 * <pre>{@code
 * T(R)  = S(R) + max(A₁(R), A(R) − O) + V(R)
 * S(R)  = m + d·e(R)                      slowest of R ranks: mean and deviation of one's step, and
 *                                         the expected greatest of R standard normal numbers
 * A(R)  = Σ over buckets of n bytes       all-reduce, each
 *   ring                2(R−1)·h + 2(R−1)/R · n/r
 *   halving, doubling   2⌈log₂R⌉·h + 2(R−1)/R · n/x
 * A₁(R)                                   of the last bucket, which nothing can hide
 * O                                       the backward pass below the first bucket, if a core is free
 *                                         for the network's thread; else 0
 * V(R)  = ⌈log₂R⌉·h                       loss and stop, two numbers, after the gradient
 * }</pre>
 *
 * <p>with h the time of one hop, from one rank's thread to the next one's, and r and x the rates at
 * which numbers are carried and added. Efficiency is T(1)/T(R).
 *
 * <p>Measured, from {@code results/scaling.json} and {@code results/all-reduce-sizes.json}: m, d,
 * h, r and x on loopback, and T(1), T(2), T(4), against which the model is checked. Assumed: a hop
 * of {@value #WIRE_SECONDS} s more on a network, whose line may be slower than r and x, and that
 * ranks are slow independently of each other. A host that is always slow is not in the model: the
 * slowest one then sets the pace, whatever R is.
 */
public final class CostModel {
  /**
   * The measured times of one rank.
   *
   * @param mean seconds of a step
   * @param deviation of it
   */
  record Step(double mean, double deviation) {
    double slowest(int ranks) {
      return mean + deviation * (ranks == 1 ? 0 : Spread.expectedMaximum(ranks));
    }
  }

  /**
   * How numbers travel.
   *
   * @param hop seconds
   * @param ringRate bytes a second, carried and added
   * @param exchangeRate the same of halving and doubling
   */
  record Network(String name, double hop, double ringRate, double exchangeRate) {
    /** What was measured on loopback, by as many ranks. */
    static Network measured(JsonNode sizes, int ranks) {
      JsonNode of = sizes.required(ranks + " ranks");
      return new Network(
          "loopback",
          of.at("/ring/hopMicros").asDouble() / 1e6,
          of.at("/ring/bytesPerSecond").asDouble(),
          of.at("/halvingDoubling/bytesPerSecond").asDouble());
    }

    Network on(String line, double bytesPerSecond) {
      return new Network(
          line,
          hop + WIRE_SECONDS,
          Math.min(ringRate, bytesPerSecond),
          Math.min(exchangeRate, bytesPerSecond));
    }

    double ring(int ranks, double bytes) {
      return 2 * (ranks - 1) * hop + carried(ranks, bytes) / ringRate;
    }

    double halvingDoubling(int ranks, double bytes) {
      return 2 * rounds(ranks) * hop + carried(ranks, bytes) / exchangeRate;
    }

    private static double carried(int ranks, double bytes) {
      return 2.0 * (ranks - 1) / ranks * bytes;
    }

    double twoNumbers(int ranks) {
      return rounds(ranks) * hop;
    }

    static int rounds(int ranks) {
      return 32 - Integer.numberOfLeadingZeros(ranks - 1);
    }
  }

  /**
   * What is trained.
   *
   * @param buckets bytes, in the order in which they are handed on
   * @param below the share of a step that is the backward pass below the first bucket
   */
  record Job(String name, Step step, double[] buckets, double below) {}

  /** The parts of T(R). */
  record Cost(double slowest, double allReduce, double exposed, double twoNumbers) {
    double seconds() {
      return slowest + exposed + twoNumbers;
    }
  }

  /**
   * @param ringBytes buckets longer than this for each rank go around the ring
   * @param freeCore whether the network's thread has a core beside the one that computes
   */
  static Cost cost(Job job, Network network, int ranks, long ringBytes, boolean freeCore) {
    if (ranks == 1) {
      return new Cost(job.step.mean(), 0, 0, 0);
    }
    double all = 0;
    double last = 0;
    for (double bytes : job.buckets) {
      last =
          bytes > Math.min(ringBytes * ranks, MOST_RING_BYTES)
              ? network.ring(ranks, bytes)
              : network.halvingDoubling(ranks, bytes);
      all += last;
    }
    double hidden = freeCore ? job.below * job.step.mean() : 0;
    return new Cost(
        job.step.slowest(ranks), all, Math.max(last, all - hidden), network.twoNumbers(ranks));
  }

  /** The way of a message through a network of a few switches. */
  private static final double WIRE_SECONDS = 20e-6;

  private static final int[] RANKS = {1, 8, 64, 512};

  /**
   * As {@code AllReduceSettings} has them: the line between ring and halving, a rank and at most.
   */
  private static final long RING_BYTES = 16 << 10;

  private static final long MOST_RING_BYTES = 1 << 20;

  private static final Path RESULTS = Path.of(System.getProperty("sluice.benchmarks.results", "."));

  /** Layer 0 has 100 inputs and layer 1 128, both 128 units; the head 100 outputs. */
  private static final double[] BUCKETS = {
    4.0 * (4 * 128 * (128 + 128 + 1) + 129 * 100), 4.0 * (4 * 128 * (100 + 128 + 1))
  };

  private CostModel() {}

  public static void main(String[] args) throws IOException {
    JsonNode scaling = read("scaling");
    JsonNode sizes = read("all-reduce-sizes");
    var report = new Report("cost-model", "What does a step cost at 8, 64 and 512 ranks?");
    Step alone = step(scaling, "one");
    Step shared = step(scaling, "apart");
    report.put("check", check(scaling, sizes, alone, shared));

    var job = new Job("B = 64 a rank", alone, BUCKETS, 0.3);
    var rows = new ArrayList<Map<String, Object>>();
    Network loopback = Network.measured(sizes, 2);
    for (Network network :
        List.of(loopback.on("10 Gbit/s", 1.25e9), loopback.on("1 Gbit/s", 1.25e8))) {
      predict(rows, job, network, RING_BYTES);
      predict(rows, times("B = 256 a rank", job, 4), network, RING_BYTES);
      predict(rows, wide("16 times the bytes, B = 64 a rank", job), network, RING_BYTES);
      predict(rows, wire("the same, bf16 in the ring", job), network, RING_BYTES);
      predict(rows, renamed("B = 64 a rank, always a ring", job), network, 0);
    }
    report.put("predictions", rows).finish();
  }

  private static JsonNode read(String name) throws IOException {
    return new ObjectMapper().readTree(Files.readString(RESULTS.resolve(name + ".json")));
  }

  private static Step step(JsonNode scaling, String name) {
    JsonNode steps = scaling.required(name).required("steps");
    return new Step(steps.get("meanSeconds").asDouble(), steps.get("deviationSeconds").asDouble());
  }

  /** More of a batch takes longer in proportion, and varies as much beside it. */
  private static Job times(String name, Job job, double factor) {
    var step = new Step(job.step.mean() * factor, job.step.deviation() * factor);
    return new Job(name, step, job.buckets, job.below);
  }

  private static Job renamed(String name, Job job) {
    return new Job(name, job.step, job.buckets, job.below);
  }

  /** Units 4 times as wide: 16 times the parameters, and the work. */
  private static Job wide(String name, Job job) {
    return new Job(name, times(name, job, 16).step, scaled(job.buckets, 16), job.below);
  }

  private static Job wire(String name, Job job) {
    return new Job(name, times(name, job, 16).step, scaled(job.buckets, 8), job.below);
  }

  private static double[] scaled(double[] bytes, double factor) {
    return DoubleStream.of(bytes).map(b -> factor * b).toArray();
  }

  private static void predict(
      List<Map<String, Object>> rows, Job job, Network network, long ringBytes) {
    double one = cost(job, network, 1, ringBytes, true).seconds();
    for (int ranks : RANKS) {
      Cost cost = cost(job, network, ranks, ringBytes, true);
      var row = new LinkedHashMap<String, Object>();
      row.put("network", network.name());
      row.put("job", job.name());
      row.put("ranks", ranks);
      row.put("stepMillis", Report.rounded(1e3 * cost.seconds()));
      row.put("slowestMillis", Report.rounded(1e3 * cost.slowest()));
      row.put("allReduceMillis", Report.rounded(1e3 * cost.allReduce()));
      row.put("exposedMillis", Report.rounded(1e3 * cost.exposed()));
      row.put("efficiency", Report.rounded(one / cost.seconds()));
      rows.add(row);
      System.out.printf(
          Locale.ROOT,
          "%-24s %-44s R=%3d  step %7.1f ms = slowest %7.1f + exposed %6.2f (all-reduce %6.2f) + %.2f, efficiency %.2f%n",
          network.name(),
          job.name(),
          ranks,
          1e3 * cost.seconds(),
          1e3 * cost.slowest(),
          1e3 * cost.exposed(),
          1e3 * cost.allReduce(),
          1e3 * cost.twoNumbers(),
          one / cost.seconds());
    }
  }

  /**
   * Two ranks have a core each and share the machine, as two runs apart do, whose steps stand for
   * theirs. Four have half a core each: their steps take twice as long. Nothing hides.
   */
  private static List<Map<String, Object>> check(
      JsonNode scaling, JsonNode sizes, Step alone, Step shared) {
    var rows = new ArrayList<Map<String, Object>>();
    int cores = Runtime.getRuntime().availableProcessors();
    for (int ranks : new int[] {1, 2, 4}) {
      String name = ranks == 1 ? "one" : ranks == 2 ? "two" : "four";
      double turns = Math.max(1, (double) ranks / cores);
      Step step = ranks == 1 ? alone : new Step(shared.mean() * turns, shared.deviation() * turns);
      Network loopback = ranks == 1 ? null : Network.measured(sizes, ranks);
      Cost cost = cost(new Job("here", step, BUCKETS, 0), loopback, ranks, RING_BYTES, false);
      double measured = scaling.at("/%s/steps/meanSeconds".formatted(name)).asDouble();
      var row = new LinkedHashMap<String, Object>();
      row.put("ranks", ranks);
      row.put("predictedMillis", Report.rounded(1e3 * cost.seconds()));
      row.put("slowestMillis", Report.rounded(1e3 * cost.slowest()));
      row.put("allReduceMillis", Report.rounded(1e3 * cost.allReduce()));
      row.put("measuredMillis", Report.rounded(1e3 * measured));
      row.put("predictedOverMeasured", Report.rounded(cost.seconds() / measured));
      rows.add(row);
      System.out.println(row);
    }
    return rows;
  }
}
