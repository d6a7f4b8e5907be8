package io.sluice.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;
import org.apache.commons.text.similarity.JaroWinklerSimilarity;

/** Finds the name somebody probably meant. */
public final class NearMiss {
  // "hiden-size" against "hidden-size" is 0.97, unrelated keys stay under 0.75
  private static final double ALIKE = 0.82;

  private NearMiss() {}

  /** The candidate most like {@code given}, if one is alike enough to be a slip. */
  public static Optional<String> of(String given, Collection<String> candidates) {
    var similarity = new JaroWinklerSimilarity();
    String lower = given.toLowerCase(java.util.Locale.ROOT);
    return candidates.stream()
        .sorted()
        .max(
            Comparator.comparingDouble(
                c -> similarity.apply(lower, c.toLowerCase(java.util.Locale.ROOT))))
        .filter(c -> similarity.apply(lower, c.toLowerCase(java.util.Locale.ROOT)) >= ALIKE);
  }

  /** "did you mean x?" where there is a near miss, else the list of what exists. */
  public static String suggestion(String given, Collection<String> candidates) {
    return of(given, candidates)
        .map("did you mean %s?"::formatted)
        .orElseGet(() -> "this place has %s".formatted(candidates.stream().sorted().toList()));
  }
}
