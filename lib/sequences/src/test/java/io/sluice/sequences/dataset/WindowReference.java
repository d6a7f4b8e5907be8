package io.sluice.sequences.dataset;

import io.sluice.sequences.dataset.WindowContract.Calendar;
import io.sluice.sequences.dataset.WindowContract.WindowNormalization;
import java.time.Instant;
import java.time.Year;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;

/**
 * A window by the words of {@link WindowEncoder}'s Javadoc, number by number in float64: slow, and
 * the judge of the fast one.
 */
final class WindowReference {
  private final WindowContract contract;
  private final Segment segment;
  private final int origin;

  WindowReference(WindowContract contract, Segment segment, int origin) {
    this.contract = contract;
    this.segment = segment;
    this.origin = origin;
  }

  /** The I inputs of look-back step t. */
  List<Double> inputs(int t) {
    int n = origin - contract.lookBack() + 1 + t;
    var inputs = new ArrayList<Double>();
    for (String channel : contract.inputs()) {
      inputs.add(normalized(channel, n));
    }
    if (contract.masks()) {
      for (String channel : contract.inputs()) {
        inputs.add(age(channel, n) == 0 ? 1.0 : 0.0);
      }
    }
    if (contract.timeSinceLast()) {
      for (String channel : contract.inputs()) {
        inputs.add(Math.min(1.0, (double) age(channel, n) / Math.max(1, contract.maxGapSteps())));
      }
    }
    for (Calendar cycle : contract.calendar()) {
      double phase = phase(cycle, n);
      inputs.add(Math.sin(2 * Math.PI * phase));
      inputs.add(Math.cos(2 * Math.PI * phase));
    }
    for (String channel : contract.knownFuture()) {
      inputs.add(normalized(channel, n + contract.horizon()));
    }
    return inputs;
  }

  /** The K' targets with step {@code n} of the segment as origin; NaN = unknown. */
  List<Double> targets(int n) {
    var targets = new ArrayList<Double>();
    switch (contract.target().type()) {
      case CLASS, EVENT -> targets.add((double) segment.label()[n]);
      case REMAINING_LIFE -> {
        double cap = contract.target().cap();
        targets.add(
            Float.isNaN(segment.label()[n]) ? Double.NaN : Math.min(segment.label()[n], cap) / cap);
      }
      case FORECAST -> {
        for (int h = 0; h < contract.horizon(); h++) {
          for (String channel : contract.target().channels()) {
            targets.add(scaled(channel, n + 1 + h) - anchor(channel));
          }
        }
      }
    }
    return targets;
  }

  double anchor(String channel) {
    var known = new ArrayList<Double>();
    for (int n = origin - contract.lookBack() + 1; n <= origin; n++) {
      if (!Double.isNaN(scaled(channel, n))) {
        known.add(scaled(channel, n));
      }
    }
    if (known.isEmpty() || contract.scaling().window() == WindowNormalization.NONE) {
      return 0;
    }
    return contract.scaling().window() == WindowNormalization.LAST
        ? known.get(known.size() - 1)
        : known.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }

  /** 0 for a missing value. */
  private double normalized(String channel, int n) {
    double scaled = scaled(channel, n);
    return Double.isNaN(scaled) ? 0 : scaled - anchor(channel);
  }

  /** NaN for a value that is missing or past the end. */
  double scaled(String channel, int n) {
    if (n >= segment.steps()) {
      return Double.NaN;
    }
    Scaler scaler = contract.scaling().of(segment.series(), channel);
    double value = segment.values()[contract.channels().indexOf(channel)][n];
    return (value - scaler.center()) / scaler.scale();
  }

  private int age(String channel, int n) {
    return segment.ages()[contract.channels().indexOf(channel)][n];
  }

  private double phase(Calendar cycle, int n) {
    ZonedDateTime local =
        Instant.EPOCH
            .plus(java.time.Duration.ofNanos(Math.multiplyExact(segment.times()[n], 1000L)))
            .atZone(ZoneId.of(contract.calendarZone()));
    return switch (cycle) {
      case HOUR_OF_DAY ->
          (local.getHour() * 3600
                  + local.getMinute() * 60
                  + local.getSecond()
                  + local.getNano() / 1e9)
              / 86_400;
      case DAY_OF_WEEK -> local.getDayOfWeek().ordinal() / 7.0;
      case DAY_OF_YEAR -> (local.getDayOfYear() - 1) / (double) Year.of(local.getYear()).length();
      case MONTH -> local.getMonth().ordinal() / 12.0;
    };
  }
}
