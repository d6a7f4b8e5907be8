package io.sluice.scoring.batch;

import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * One series of raw data of channels load and flow, a reading a step, and the windows that scoring
 * must cut from it: found step by step from the settings' own words, with none of the code that
 * prepares data for a job.
 *
 * @param name the series
 * @param firstStep hours since {@link #START}, or the first cycle
 * @param values (C, N); NaN = no reading
 */
record RawSeries(String name, int firstStep, double[][] values) {
  static final Instant START = Instant.parse("2024-03-09T00:00:00Z");
  static final List<String> CHANNELS = List.of("load", "flow");

  /** How gaps are filled. */
  enum Gaps {
    FORWARD_FILL,
    INTERPOLATE,
    /** Not at all. */
    KEPT
  }

  /** Waves with a different mean for each series. */
  static RawSeries waves(String name, int firstStep, int steps) {
    var values = new double[CHANNELS.size()][steps];
    int level = name.chars().sum() % 7;
    for (int c = 0; c < values.length; c++) {
      for (int n = 0; n < steps; n++) {
        values[c][n] =
            20 * (c + 1) + level + 4 * Math.sin(0.37 * (firstStep + n) + c) + Math.cos(1.7 * n);
      }
    }
    return new RawSeries(name, firstStep, values);
  }

  /** Without the readings of some steps, counted from the first. */
  RawSeries without(int channel, int from, int to) {
    Arrays.fill(values[channel], from, to, Double.NaN);
    return this;
  }

  int steps() {
    return values[0].length;
  }

  Instant time(int n) {
    return START.plusSeconds(3600L * (firstStep + n));
  }

  long tick(TimeAxis.Type type, int n) {
    return type == TimeAxis.Type.ORDINAL ? firstStep + n : PredictionsSchema.ticks(time(n));
  }

  /** Lines {@code unit,time,load,flow}; steps without any reading have none. */
  List<String> wide(boolean ordinal) {
    var lines = new ArrayList<String>();
    for (int n = 0; n < steps(); n++) {
      if (!Double.isNaN(values[0][n]) || !Double.isNaN(values[1][n])) {
        lines.add(
            String.join(",", name, at(n, ordinal), number(values[0][n]), number(values[1][n])));
      }
    }
    return lines;
  }

  /** Lines {@code unit,time,tag,value,quality}. */
  List<String> tall() {
    var lines = new ArrayList<String>();
    for (int n = 0; n < steps(); n++) {
      for (int c = 0; c < values.length; c++) {
        if (!Double.isNaN(values[c][n])) {
          lines.add(
              String.join(",", name, at(n, false), CHANNELS.get(c), number(values[c][n]), "good"));
        }
      }
    }
    return lines;
  }

  private String at(int n, boolean ordinal) {
    return ordinal ? Integer.toString(firstStep + n) : time(n).toString();
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.4f", value);
  }

  /** A window with its last look-back step at step n, or nothing if it is not complete. */
  Optional<Segment> window(WindowContract contract, int n, Gaps gaps) {
    int T = contract.lookBack();
    int ahead = contract.knownFuture().isEmpty() ? 0 : contract.horizon();
    if (n < T - 1 || n + ahead >= steps()) {
      return Optional.empty();
    }
    var times = new long[T + ahead];
    var filled = new float[CHANNELS.size()][T + ahead];
    var ages = new short[CHANNELS.size()][T + ahead];
    boolean isComplete = true;
    boolean isObserved = false;
    for (int t = 0; t < T + ahead; t++) {
      int step = n - T + 1 + t;
      times[t] = tick(contract.time().type(), step);
      for (int c = 0; c < filled.length; c++) {
        String channel = contract.channels().get(c); // in a long table, in order of name
        int own = CHANNELS.indexOf(channel);
        int age = age(own, step);
        ages[c][t] = age > contract.maxGapSteps() ? Short.MAX_VALUE : (short) age;
        filled[c][t] = (float) filled(own, step, gaps, contract.maxGapSteps());
        boolean isNeeded = t < T || contract.knownFuture().contains(channel);
        isComplete &= !isNeeded || !Float.isNaN(filled[c][t]);
        isObserved |= t < T && age == 0;
      }
    }
    boolean isWindow = contract.storesAges() ? isObserved : isComplete;
    return isWindow
        ? Optional.of(
            new Segment(
                name,
                0,
                times,
                filled,
                contract.storesAges() ? ages : null,
                null,
                new int[] {T - 1}))
        : Optional.empty();
  }

  /** Steps since the last reading. */
  private int age(int c, int n) {
    for (int back = 0; n - back >= 0; back++) {
      if (!Double.isNaN(reading(c, n - back))) {
        return back;
      }
    }
    return Integer.MAX_VALUE;
  }

  private double filled(int c, int n, Gaps gaps, int maxGap) {
    double own = reading(c, n);
    int back = age(c, n);
    if (back == 0 || back == Integer.MAX_VALUE || gaps == Gaps.KEPT) {
      return own;
    }
    if (gaps == Gaps.FORWARD_FILL) {
      return back <= maxGap ? reading(c, n - back) : own;
    }
    int ahead = 1;
    while (n + ahead < steps() && Double.isNaN(reading(c, n + ahead))) {
      ahead++;
    }
    if (n + ahead >= steps() || back + ahead - 1 > maxGap) {
      return own;
    }
    double before = reading(c, n - back);
    return before + (reading(c, n + ahead) - before) * back / (back + ahead);
  }

  /** As the file says it: four decimals. */
  private double reading(int c, int n) {
    double value = values[c][n];
    return Double.isNaN(value) ? value : Double.parseDouble(number(value));
  }
}
