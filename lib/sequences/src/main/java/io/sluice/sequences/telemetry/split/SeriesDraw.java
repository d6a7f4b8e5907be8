package io.sluice.sequences.telemetry.split;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.config.NearMiss;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.telemetry.SequenceSettings.SplitSettings;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.apache.spark.sql.catalyst.expressions.XXH64;
import org.apache.spark.unsafe.Platform;

/** Deals whole series to splits: as named, as recorded, or drawn by a hash of seed and name. */
final class SeriesDraw {
  private SeriesDraw() {}

  static Map<String, Split> draw(
      SplitSettings settings, Set<String> all, JsonNode recorded, Predicate<String> testSeries) {
    List<String> series = all.stream().filter(testSeries.negate()).sorted().toList();
    var dealt = new TreeMap<String, Split>();
    Map<Split, List<String>> named =
        Map.of(
            Split.TRAIN, settings.trainSeries(),
            Split.VALIDATION, settings.validationSeries(),
            Split.TEST, settings.testSeries());
    if (named.values().stream().anyMatch(list -> !list.isEmpty())) {
      for (Split split : Split.values()) {
        for (String name : named.get(split)) {
          requireKnown(name, split, series);
          dealt.put(name, split);
        }
      }
      if (settings.trainSeries().isEmpty()) {
        series.forEach(name -> dealt.putIfAbsent(name, Split.TRAIN));
      }
      return dealt;
    }
    if (recorded != null) {
      for (Split split : Split.values()) {
        recorded.path(split.label()).forEach(name -> dealt.put(name.asText(), split));
      }
      for (String name : series) {
        // a series that came later: by its own hash, so that the others stay where they are
        dealt.computeIfAbsent(name, n -> byShare(settings, share(settings.seed(), n)));
      }
      return dealt;
    }
    List<String> order =
        series.stream()
            .sorted(
                Comparator.comparingDouble((String name) -> share(settings.seed(), name))
                    .thenComparing(Comparator.naturalOrder()))
            .toList();
    int[] counts = counts(settings, order.size());
    for (int i = 0; i < order.size(); i++) {
      if (i < counts[0]) {
        dealt.put(order.get(i), Split.TRAIN);
      } else if (i < counts[0] + counts[1]) {
        dealt.put(order.get(i), Split.VALIDATION);
      } else if (i < counts[0] + counts[1] + counts[2]) {
        dealt.put(order.get(i), Split.TEST);
      }
    }
    return dealt;
  }

  private static void requireKnown(String name, Split split, List<String> series) {
    if (!series.contains(name)) {
      throw new InvalidInputException(
          "split.%s-series names \"%s\", which is no series of the source; %s"
              .formatted(split.label(), name, NearMiss.suggestion(name, series)));
    }
  }

  /** Shares as whole series; a share above zero gets at least one where train can spare it. */
  private static int[] counts(SplitSettings settings, int n) {
    double[] shares = {settings.train(), settings.validation(), settings.test()};
    int total = (int) Math.round((shares[0] + shares[1] + shares[2]) * n);
    int validation = (int) Math.round(shares[1] * n);
    int test = (int) Math.round(shares[2] * n);
    validation = shares[1] > 0 ? Math.max(1, validation) : 0;
    test = shares[2] > 0 ? Math.max(1, test) : 0;
    return new int[] {Math.max(shares[0] > 0 ? 1 : 0, total - validation - test), validation, test};
  }

  private static Split byShare(SplitSettings settings, double share) {
    if (share < settings.train()) {
      return Split.TRAIN;
    }
    return share < settings.train() + settings.validation() || settings.test() == 0
        ? Split.VALIDATION
        : Split.TEST;
  }

  /** A number in [0, 1) that is a function of seed and name alone. */
  private static double share(long seed, String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    long hash = XXH64.hashUnsafeBytes(bytes, Platform.BYTE_ARRAY_OFFSET, bytes.length, seed);
    return (hash >>> 11) * 0x1.0p-53;
  }
}
