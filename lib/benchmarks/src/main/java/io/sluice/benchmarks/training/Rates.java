package io.sluice.benchmarks.training;

import io.sluice.benchmarks.Report;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;

/** Windows a second of one contestant, over rounds and epochs, and where its time went. */
final class Rates {
  private final List<Double> all = new ArrayList<>();
  private final List<Double> byRound = new ArrayList<>();
  private final List<Double> stepSeconds = new ArrayList<>();
  private final Map<String, List<Double>> shares = new LinkedHashMap<>();
  private long bytesSent;

  /**
   * @param from first epoch that counts
   */
  void add(TrainRun run, int from) {
    add(run.windowsPerSecond(from));
    DoubleStream.of(run.stepSeconds(from)).forEach(stepSeconds::add);
    for (String share : List.of("computeShare", "allReduceShare", "readShare")) {
      shares.computeIfAbsent(share, s -> new ArrayList<>()).add(run.share(share, from));
    }
    bytesSent = run.bytesSent();
  }

  /** Two runs at the same time, as one. */
  void addBoth(TrainRun a, TrainRun b, int from) {
    double[] together = a.windowsPerSecond(from);
    double[] others = b.windowsPerSecond(from);
    for (int epoch = 0; epoch < together.length; epoch++) {
      together[epoch] += others[epoch];
    }
    add(together);
    DoubleStream.of(a.stepSeconds(from)).forEach(stepSeconds::add);
    DoubleStream.of(b.stepSeconds(from)).forEach(stepSeconds::add);
  }

  /** One round's. */
  void add(double... windowsPerSecond) {
    DoubleStream.of(windowsPerSecond).forEach(all::add);
    byRound.add(median(windowsPerSecond));
  }

  double median() {
    return median(array(all));
  }

  /** By round, of which each is the median of its epochs. */
  List<Double> byRound() {
    return byRound;
  }

  double[] stepSeconds() {
    return array(stepSeconds);
  }

  double share(String name) {
    return array(shares.get(name)).length == 0 ? 0 : median(array(shares.get(name)));
  }

  /** The median over the rounds that both have of the ratio in each. */
  double over(Rates other) {
    var ratios = new double[Math.min(byRound.size(), other.byRound.size())];
    for (int round = 0; round < ratios.length; round++) {
      ratios[round] = byRound.get(round) / other.byRound.get(round);
    }
    return median(ratios);
  }

  Map<String, Object> toJson() {
    var json = new LinkedHashMap<String, Object>();
    json.put("windowsPerSecond", Report.rounded(median()));
    json.put("slowest", Report.rounded(DoubleStream.of(array(all)).min().orElseThrow()));
    json.put("fastest", Report.rounded(DoubleStream.of(array(all)).max().orElseThrow()));
    json.put("byRound", byRound.stream().map(Report::rounded).toList());
    shares.forEach((name, values) -> json.put(name, Report.rounded(median(array(values)))));
    if (bytesSent > 0) {
      json.put("bytesSentInAnEpoch", bytesSent);
    }
    if (!stepSeconds.isEmpty()) {
      json.put("steps", Spread.of(stepSeconds()).toJson());
    }
    return json;
  }

  private static double[] array(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }

  static double median(double... values) {
    double[] sorted = DoubleStream.of(values).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
