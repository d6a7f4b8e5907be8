package io.sluice.sequences.telemetry.source;

import java.math.BigDecimal;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;

/** The order of names that people expect: by number where all of them are numbers, else as text. */
public final class SeriesOrder {
  private static final Pattern NUMBER = Pattern.compile("-?\\d{1,18}(\\.\\d{1,18})?");

  private SeriesOrder() {}

  /** The names in order. */
  public static List<String> sorted(Collection<String> names) {
    boolean numbers = names.stream().allMatch(n -> NUMBER.matcher(n).matches());
    Comparator<String> order =
        numbers ? Comparator.comparing(BigDecimal::new) : Comparator.naturalOrder();
    return names.stream().sorted(order.thenComparing(Comparator.naturalOrder())).toList();
  }
}
