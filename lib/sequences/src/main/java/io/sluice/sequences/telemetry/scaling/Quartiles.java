package io.sluice.sequences.telemetry.scaling;

import io.sluice.sequences.dataset.Segment;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** Exact quantiles of every channel, by two counting passes; see {@link OrderStatistics}. */
final class Quartiles {
  private static final int HALVES = 1 << 16;
  private static final String ALL = "";

  private Quartiles() {}

  /**
   * Quantiles by linear interpolation between order statistics, as numpy's default.
   *
   * @param moments says which keys there are and how many values each has
   * @return per key and channel, a value per quantile; NaN where there is no value
   */
  static Map<String, double[][]> of(
      TrainRows rows,
      int channels,
      boolean bySeries,
      Map<String, Moments[]> moments,
      double[] quantiles) {
    Map<String, OrderStatistics> upper = count(rows, channels, bySeries, null);
    var wanted = new HashMap<String, int[]>();
    moments.forEach(
        (key, ofKey) -> {
          for (int c = 0; c < channels; c++) {
            var halves = new TreeSet<Integer>();
            for (long rank : ranks(ofKey[c].count, quantiles)) {
              halves.add((int) upper.get(name(key, c, -1)).find(rank)[0]);
            }
            wanted.put(name(key, c, -1), halves.stream().mapToInt(Integer::intValue).toArray());
          }
        });
    Map<String, OrderStatistics> lower = count(rows, channels, bySeries, wanted);
    var found = new TreeMap<String, double[][]>();
    moments.forEach(
        (key, ofKey) -> {
          var ofChannels = new double[channels][quantiles.length];
          for (int c = 0; c < channels; c++) {
            for (int q = 0; q < quantiles.length; q++) {
              ofChannels[c][q] = quantile(upper, lower, key, c, ofKey[c].count, quantiles[q]);
            }
          }
          found.put(key, ofChannels);
        });
    return found;
  }

  private static double quantile(
      Map<String, OrderStatistics> upper,
      Map<String, OrderStatistics> lower,
      String key,
      int c,
      long count,
      double q) {
    if (count == 0) {
      return Double.NaN;
    }
    double position = q * (count - 1);
    long rank = (long) Math.floor(position);
    double low = at(upper, lower, key, c, rank);
    double high = at(upper, lower, key, c, Math.min(rank + 1, count - 1));
    return low + (high - low) * (position - rank);
  }

  private static double at(
      Map<String, OrderStatistics> upper,
      Map<String, OrderStatistics> lower,
      String key,
      int c,
      long rank) {
    long[] half = upper.get(name(key, c, -1)).find(rank);
    long[] rest = lower.get(name(key, c, (int) half[0])).find(half[1]);
    return OrderStatistics.value((int) (half[0] << 16 | rest[0]));
  }

  private static long[] ranks(long count, double[] quantiles) {
    if (count == 0) {
      return new long[0];
    }
    var ranks = new long[2 * quantiles.length];
    for (int q = 0; q < quantiles.length; q++) {
      long rank = (long) Math.floor(quantiles[q] * (count - 1));
      ranks[2 * q] = rank;
      ranks[2 * q + 1] = Math.min(rank + 1, count - 1);
    }
    return ranks;
  }

  /** Counts upper halves, or the lower halves of the upper ones that are wanted. */
  private static Map<String, OrderStatistics> count(
      TrainRows rows, int channels, boolean bySeries, HashMap<String, int[]> wanted) {
    return TrainRows.merged(
        rows.perPart((segments, owned) -> countPart(segments, owned, channels, bySeries, wanted)),
        (a, b) -> {
          a.merge(b);
          return a;
        });
  }

  private static HashMap<String, OrderStatistics> countPart(
      Iterator<Segment> segments,
      TrainRows.Owned owned,
      int channels,
      boolean bySeries,
      HashMap<String, int[]> wanted) {
    var counts = new HashMap<String, OrderStatistics>();
    var buffer = new int[HALVES];
    while (segments.hasNext()) {
      Segment segment = segments.next();
      int from = owned.from(segment);
      for (int c = 0; c < channels; c++) {
        count(segment.values()[c], from, ALL, c, wanted, buffer, counts);
        if (bySeries) {
          count(segment.values()[c], from, segment.series(), c, wanted, buffer, counts);
        }
      }
    }
    return counts;
  }

  private static void count(
      float[] values,
      int from,
      String key,
      int c,
      HashMap<String, int[]> wanted,
      int[] buffer,
      HashMap<String, OrderStatistics> counts) {
    if (wanted == null) {
      for (int n = from; n < values.length; n++) {
        if (!Float.isNaN(values[n])) {
          buffer[OrderStatistics.orderedBits(values[n]) >>> 16]++;
        }
      }
      flush(buffer, name(key, c, -1), counts);
      return;
    }
    for (int half : wanted.getOrDefault(name(key, c, -1), new int[0])) {
      for (int n = from; n < values.length; n++) {
        if (!Float.isNaN(values[n])) {
          int bits = OrderStatistics.orderedBits(values[n]);
          if (bits >>> 16 == half) {
            buffer[bits & 0xFFFF]++;
          }
        }
      }
      flush(buffer, name(key, c, half), counts);
    }
  }

  private static void flush(int[] buffer, String name, HashMap<String, OrderStatistics> counts) {
    counts.computeIfAbsent(name, k -> new OrderStatistics()).with(buffer);
    java.util.Arrays.fill(buffer, 0);
  }

  private static String name(String key, int channel, int half) {
    return channel + ":" + half + ":" + key;
  }
}
