package io.sluice.benchmarks.recurrent;

import io.sluice.benchmarks.Report;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How many times as fast one contestant is as another, block by block. */
record Ratio(List<Double> blocks) {
  Ratio {
    blocks = blocks.stream().sorted().toList();
    if (blocks.isEmpty()) {
      throw new IllegalArgumentException("A ratio needs at least 1 block, but has 0");
    }
  }

  /**
   * @param seconds of one thing done, a value for each block
   * @param peer the same of the contestant that is compared with
   */
  static Ratio of(List<Double> seconds, List<Double> peer) {
    if (seconds.size() != peer.size()) {
      throw new IllegalArgumentException(
          "%d blocks cannot be compared with %d: each needs its counterpart"
              .formatted(seconds.size(), peer.size()));
    }
    var ratios = new ArrayList<Double>();
    for (int i = 0; i < seconds.size(); i++) {
      ratios.add(peer.get(i) / seconds.get(i));
    }
    return new Ratio(ratios);
  }

  double median() {
    int middle = blocks.size() / 2;
    return blocks.size() % 2 == 1
        ? blocks.get(middle)
        : (blocks.get(middle - 1) + blocks.get(middle)) / 2;
  }

  double least() {
    return blocks.get(0);
  }

  double most() {
    return blocks.get(blocks.size() - 1);
  }

  Map<String, Object> toJson() {
    var json = new LinkedHashMap<String, Object>();
    json.put("median", Report.rounded(median()));
    json.put("least", Report.rounded(least()));
    json.put("most", Report.rounded(most()));
    json.put("blocks", blocks.size());
    return json;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT, "%.2f (%.2f to %.2f, %d blocks)", median(), least(), most(), blocks.size());
  }
}
