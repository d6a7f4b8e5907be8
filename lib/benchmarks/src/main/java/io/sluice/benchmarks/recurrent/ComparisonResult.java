package io.sluice.benchmarks.recurrent;

import io.sluice.benchmarks.Report;
import io.sluice.benchmarks.Turns;
import io.sluice.benchmarks.recurrent.Comparison.Part;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What one {@link Comparison} found. */
final class ComparisonResult {
  private final Workload workload;
  private final int threads;
  private final Map<String, Object> facts = new LinkedHashMap<>();
  private final Map<Part, Map<Side, Turns.Times>> times = new EnumMap<>(Part.class);
  private final Map<Side, Long> residentBefore = new EnumMap<>(Side.class);
  private final Map<Side, Long> peak = new EnumMap<>(Side.class);
  private double sgemmFlops;

  ComparisonResult(Workload workload, int threads) {
    this.workload = workload;
    this.threads = threads;
  }

  Workload workload() {
    return workload;
  }

  int threads() {
    return threads;
  }

  /** Shape, cell, precision and threads in words. */
  String title() {
    return "%s %s %s, %d thread%s"
        .formatted(
            workload.shape(),
            workload.cell(),
            workload.precision(),
            threads,
            threads == 1 ? "" : "s");
  }

  void sitsOut(Side side, String reason) {
    facts.put(side + "SitsOut", reason);
  }

  void agrees(Side side, Side judge, double distance) {
    facts.putIfAbsent(side + "To" + judge + "Distance", Report.rounded(distance));
  }

  void residentBefore(Side side, long kibibytes) {
    residentBefore.put(side, kibibytes);
  }

  /** The peak in training: later parts are not in it. */
  void peak(Side side, long kibibytes) {
    peak.put(side, kibibytes);
    System.out.printf("%s: %,d MiB more than before the network%n", side, memory(side) >> 10);
  }

  void times(Part part, Collection<Side> sides, Map<String, Turns.Times> all) {
    var own = new EnumMap<Side, Turns.Times>(Side.class);
    sides.forEach(side -> own.put(side, all.get(side.toString())));
    times.put(part, own);
    for (Side side : sides) {
      for (Side peer : sides) {
        if (side.compareTo(peer) < 0) {
          System.out.printf(
              "%s: %s to %s %s%n", part.label(), side, peer, ratio(part, side, peer).orElseThrow());
        }
      }
    }
  }

  /** Shares of the fastest product of the run, whoever computed it. */
  void shares(double sgemmFlops) {
    this.sgemmFlops = sgemmFlops;
    System.out.printf(Locale.ROOT, "sgemm: %.1f GFLOP/s%n", sgemmFlops / 1e9);
    for (Side side : times.get(Part.TRAIN).keySet()) {
      System.out.printf(
          Locale.ROOT,
          "%s: %.1f GFLOP/s, %.2f of sgemm%n",
          side,
          flops(side) / 1e9,
          shareOfSgemm(side).orElseThrow());
    }
  }

  /** How many times as fast as a peer; nothing where one of them was not measured. */
  Optional<Ratio> ratio(Part part, Side side, Side peer) {
    Map<Side, Turns.Times> measured = times.getOrDefault(part, Map.of());
    return measured.containsKey(side) && measured.containsKey(peer)
        ? Optional.of(Ratio.of(secondsOfOne(part, side), secondsOfOne(part, peer)))
        : Optional.empty();
  }

  /** Of each block. */
  List<Double> secondsOfOne(Part part, Side side) {
    Turns.Times all = times.get(part).get(side);
    var seconds = new ArrayList<Double>();
    all.seconds().forEach(block -> seconds.add(block / all.count()));
    return seconds;
  }

  boolean has(Part part, Side side) {
    return times.getOrDefault(part, Map.of()).containsKey(side);
  }

  Optional<Double> shareOfSgemm(Side side) {
    return has(Part.TRAIN, side) ? Optional.of(flops(side) / sgemmFlops) : Optional.empty();
  }

  /** Peak memory of training over a peer's. */
  Optional<Double> memoryRatio(Side side, Side peer) {
    return peak.containsKey(side) && peak.containsKey(peer)
        ? Optional.of((double) memory(side) / memory(peer))
        : Optional.empty();
  }

  private double flops(Side side) {
    return workload.flops() * times.get(Part.TRAIN).get(side).rate();
  }

  private long memory(Side side) {
    return peak.get(side) - residentBefore.get(side);
  }

  Map<String, Object> toJson() {
    var json = new LinkedHashMap<String, Object>();
    json.put("shape", workload.shape().toString());
    json.put("cell", workload.cell().toString());
    json.put("precision", workload.precision().toString());
    json.put("threads", threads);
    json.putAll(facts);
    if (sgemmFlops > 0) {
      json.put("sgemmGigaflops", Report.rounded(sgemmFlops / 1e9));
    }
    times.forEach((part, sides) -> json.put(part.label(), partJson(part, sides)));
    return json;
  }

  private Map<String, Object> partJson(Part part, Map<Side, Turns.Times> sides) {
    var json = new LinkedHashMap<String, Object>();
    sides.forEach((side, measured) -> json.put(side.toString(), sideJson(part, side, measured)));
    for (Side side : sides.keySet()) {
      for (Side peer : sides.keySet()) {
        if (side.compareTo(peer) < 0) {
          json.put(side + "To" + peer, ratio(part, side, peer).orElseThrow().toJson());
        }
      }
    }
    return json;
  }

  private Map<String, Object> sideJson(Part part, Side side, Turns.Times measured) {
    var json = new LinkedHashMap<String, Object>();
    json.put("milliseconds", Report.rounded(1e3 / measured.rate()));
    if (part == Part.TRAIN) {
      json.put("gigaflops", Report.rounded(flops(side) / 1e9));
      json.put("shareOfSgemm", Report.rounded(shareOfSgemm(side).orElseThrow()));
      json.put("peakMebibytes", memory(side) >> 10);
    }
    return json;
  }
}
