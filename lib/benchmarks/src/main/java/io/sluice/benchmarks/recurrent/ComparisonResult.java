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
  private final Map<Side, Long> memory = new EnumMap<>(Side.class);
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

  void gradientsAgree(Side side, Side judge, double distance) {
    facts.putIfAbsent(side + "To" + judge + "GradientDistance", Report.rounded(distance));
  }

  /** What training needed beyond the process without a network; the most of all starts counts. */
  void memory(Side side, long kibibytes) {
    memory.merge(side, kibibytes, Math::max);
  }

  /** The fastest product of the run counts, whoever computed it. */
  void sgemm(double flops) {
    sgemmFlops = Math.max(sgemmFlops, flops);
  }

  /** Adds the blocks of one start. */
  void times(Part part, Collection<Side> sides, Map<String, Turns.Times> blocks) {
    Map<Side, Turns.Times> known = times.computeIfAbsent(part, p -> new EnumMap<>(Side.class));
    for (Side side : sides) {
      Turns.Times measured = blocks.get(side.toString());
      List<Double> seconds =
          known
              .computeIfAbsent(side, s -> new Turns.Times(measured.unit(), 1, new ArrayList<>()))
              .seconds();
      measured.seconds().forEach(block -> seconds.add(block / measured.count()));
    }
  }

  /** Says on standard output what was found. */
  void tell(Part part) {
    Map<Side, Turns.Times> measured = times.getOrDefault(part, Map.of());
    measured.forEach(
        (side, all) ->
            System.out.printf(
                Locale.ROOT,
                "%s: %s %.3f ms%s%n",
                part.label(),
                side,
                1e3 * all.median(),
                part == Part.TRAIN ? trainingFacts(side) : ""));
    pairs(
        part,
        (side, peer, ratio) ->
            System.out.printf("%s: %s to %s %s%n", part.label(), side, peer, ratio));
  }

  private String trainingFacts(Side side) {
    return String.format(
        Locale.ROOT,
        ", %.1f GFLOP/s, %.2f of sgemm (%.1f), %,d MiB",
        flops(side) / 1e9,
        shareOfSgemm(side).orElseThrow(),
        sgemmFlops / 1e9,
        memory.get(side) >> 10);
  }

  private interface PairConsumer {
    void accept(Side side, Side peer, Ratio ratio);
  }

  /** Each two contestants once, in order of {@link Side}. */
  private void pairs(Part part, PairConsumer consumer) {
    var sides = List.copyOf(times.getOrDefault(part, Map.of()).keySet());
    for (int i = 0; i < sides.size(); i++) {
      for (int j = i + 1; j < sides.size(); j++) {
        consumer.accept(
            sides.get(i), sides.get(j), ratio(part, sides.get(i), sides.get(j)).orElseThrow());
      }
    }
  }

  /** How many times as fast as a peer; nothing where one of them was not measured. */
  Optional<Ratio> ratio(Part part, Side side, Side peer) {
    Map<Side, Turns.Times> measured = times.getOrDefault(part, Map.of());
    return measured.containsKey(side) && measured.containsKey(peer)
        ? Optional.of(Ratio.of(secondsOfOne(part, side), secondsOfOne(part, peer)))
        : Optional.empty();
  }

  /** Of each block, in order. */
  List<Double> secondsOfOne(Part part, Side side) {
    return times.get(part).get(side).seconds();
  }

  boolean has(Part part, Side side) {
    return times.getOrDefault(part, Map.of()).containsKey(side);
  }

  Optional<Double> shareOfSgemm(Side side) {
    return has(Part.TRAIN, side) ? Optional.of(flops(side) / sgemmFlops) : Optional.empty();
  }

  /** Peak memory of training over a peer's. */
  Optional<Double> memoryRatio(Side side, Side peer) {
    return memory.containsKey(side) && memory.containsKey(peer)
        ? Optional.of((double) memory.get(side) / memory.get(peer))
        : Optional.empty();
  }

  private double flops(Side side) {
    return workload.flops() * times.get(Part.TRAIN).get(side).rate();
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
    pairs(part, (side, peer, ratio) -> json.put(side + "To" + peer, ratio.toJson()));
    return json;
  }

  private Map<String, Object> sideJson(Part part, Side side, Turns.Times measured) {
    var json = new LinkedHashMap<String, Object>();
    json.put("milliseconds", Report.rounded(1e3 * measured.median()));
    json.put("fastestMilliseconds", Report.rounded(1e3 * measured.fastest()));
    json.put("slowestMilliseconds", Report.rounded(1e3 * measured.slowest()));
    if (part == Part.TRAIN) {
      json.put("gigaflops", Report.rounded(flops(side) / 1e9));
      json.put("shareOfSgemm", Report.rounded(shareOfSgemm(side).orElseThrow()));
      json.put("peakMebibytes", memory.get(side) >> 10);
    }
    return json;
  }
}
