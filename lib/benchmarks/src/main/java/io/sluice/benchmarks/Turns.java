package io.sluice.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Runs contestants in turn, round by round, and keeps the seconds of each. */
public final class Turns {
  /** Work that is timed. */
  public interface Work {
    void run() throws Exception;
  }

  /**
   * Seconds of one contestant, in order of the rounds.
   *
   * @param unit what {@code count} counts
   * @param count things done in one round
   */
  public record Times(String unit, long count, List<Double> seconds) {
    public double median() {
      double[] sorted = seconds.stream().mapToDouble(Double::doubleValue).sorted().toArray();
      int middle = sorted.length / 2;
      return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    public double fastest() {
      return seconds.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    }

    public double slowest() {
      return seconds.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    }

    /** Things a second, by the median. */
    public double rate() {
      return count / median();
    }

    Map<String, Object> toJson() {
      var json = new LinkedHashMap<String, Object>();
      json.put("medianSeconds", Report.rounded(median()));
      json.put("fastestSeconds", Report.rounded(fastest()));
      json.put("slowestSeconds", Report.rounded(slowest()));
      json.put("rounds", seconds.size());
      json.put("count", count);
      json.put("unit", unit);
      json.put("perSecond", Math.round(rate()));
      return json;
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%,14." + (rate() < 10 ? 2 : 0) + "f %s a second (median %.3f s of %d, %.3f to %.3f)",
          rate(),
          unit,
          median(),
          seconds.size(),
          fastest(),
          slowest());
    }
  }

  private record Contestant(String name, Work work, Times times) {}

  private final List<Contestant> contestants = new ArrayList<>();
  private final Duration rest;

  /** One turn follows the other. */
  public Turns() {
    this(Duration.ZERO);
  }

  /**
   * @param rest before each turn; not part of it
   */
  public Turns(Duration rest) {
    this.rest = rest;
  }

  /**
   * Adds a contestant.
   *
   * @param count things it does in a round
   */
  public Turns add(String name, long count, String unit, Work work) {
    contestants.add(new Contestant(name, work, new Times(unit, count, new ArrayList<>())));
    return this;
  }

  /** Times by name. The first {@code warmUp} rounds are thrown away. */
  public Map<String, Times> run(int warmUp, int rounds) throws Exception {
    for (int round = -warmUp; round < rounds; round++) {
      for (Contestant contestant : contestants) {
        Thread.sleep(rest.toMillis());
        long start = System.nanoTime();
        contestant.work().run();
        double seconds = (System.nanoTime() - start) / 1e9;
        if (round >= 0) {
          contestant.times().seconds().add(seconds);
        }
      }
    }
    var times = new LinkedHashMap<String, Times>();
    contestants.forEach(c -> times.put(c.name(), c.times()));
    times.forEach((name, t) -> System.out.printf(Locale.ROOT, "%-28s %s%n", name, t));
    return times;
  }

  /** Refuses a result that is not what another contestant found. */
  static void requireEqual(String what, Object expected, Object actual) {
    boolean equal =
        expected instanceof float[] a && actual instanceof float[] b
            ? Arrays.equals(a, b)
            : expected.equals(actual);
    if (!equal) {
      throw new IllegalStateException(
          "%s: contestants disagree, so their times mean nothing. Expected %s, got %s."
              .formatted(what, shown(expected), shown(actual)));
    }
  }

  private static String shown(Object value) {
    return value instanceof float[] floats ? Arrays.toString(floats) : value.toString();
  }
}
