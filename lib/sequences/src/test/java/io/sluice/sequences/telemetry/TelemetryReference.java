package io.sluice.sequences.telemetry;

import io.sluice.sequences.dataset.Scaler;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract.Calendar;
import io.sluice.sequences.telemetry.SequenceSettings.Aggregate;
import io.sluice.sequences.telemetry.SequenceSettings.LabelAt;
import io.sluice.sequences.telemetry.SequenceSettings.ScalingScope;
import io.sluice.sequences.telemetry.SequenceSettings.SplitBy;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;

/**
 * A dataset by the words of the settings, computed from raw rows with maps and loops, a window at a
 * time: slow, and the judge of the fast one.
 */
final class TelemetryReference {

  /**
   * A window, complete.
   *
   * @param origin tick of the last look-back step
   * @param inputs per input channel, T values; NaN = missing
   * @param ages per input channel, steps since the last observation; empty where not asked for
   * @param targets per forecast channel, H values
   * @param future per known-future channel, T values read H steps ahead
   * @param label class index, event or remaining life; null for a forecast
   */
  record Window(
      String series,
      long origin,
      List<List<Float>> inputs,
      List<List<Short>> ages,
      List<List<Float>> targets,
      List<List<Float>> future,
      Float label) {}

  private final SequenceSettings settings;
  private final RawPlant plant;
  private final Map<String, List<Long>> events;
  private final Map<String, Long> remainingAtEnd;
  private final Map<Split, List<String>> drawn;
  private final Set<String> series = new TreeSet<>();
  private final Map<String, NavigableMap<Long, double[]>> steps = new TreeMap<>();
  private final Map<String, NavigableMap<Long, double[]>> observed = new TreeMap<>();

  /** What became of each origin of a series: a split's window, or a reason. */
  private final Map<Split, List<Window>> windows = new TreeMap<>();

  private final Map<String, Long> dropped = new TreeMap<>();
  private final Map<List<String>, Scaler> scalers = new HashMap<>();

  private TelemetryReference(
      SequenceSettings settings,
      RawPlant plant,
      Map<String, List<Long>> events,
      Map<String, Long> remainingAtEnd,
      Map<Split, List<String>> drawn) {
    this.settings = settings;
    this.plant = plant;
    this.events = events;
    this.remainingAtEnd = remainingAtEnd;
    this.drawn = drawn;
    plant.rows().forEach(row -> series.add(row.series()));
    for (String name : series) {
      observed.put(name, observedSteps(name));
      steps.put(name, filledSteps(observed.get(name)));
    }
    for (Split split : Split.values()) {
      windows.put(split, new ArrayList<>());
    }
    series.forEach(this::cut);
  }

  static TelemetryReference of(SequenceSettings settings, RawPlant plant) {
    return new TelemetryReference(settings, plant, null, Map.of(), Map.of());
  }

  /**
   * With targets from outside.
   *
   * @param events ticks per series; null = there is no table
   */
  TelemetryReference withEvents(Map<String, List<Long>> ticks) {
    return new TelemetryReference(settings, plant, ticks, remainingAtEnd, drawn);
  }

  /** With steps left at the end of test series. */
  TelemetryReference withRemainingAtEnd(Map<String, Long> left) {
    return new TelemetryReference(settings, plant, events, left, drawn);
  }

  /** With series as they were dealt to splits. */
  TelemetryReference withDrawn(Map<Split, List<String>> dealt) {
    return new TelemetryReference(settings, plant, events, remainingAtEnd, dealt);
  }

  /** Windows of a split by series, then origin. */
  List<Window> windows(Split split) {
    return windows.get(split);
  }

  /** Windows that were not made, by reason. */
  Map<String, Long> dropped() {
    return dropped;
  }

  // ------------------------------------------------------------------------- readings to steps

  /** Stored channels: inputs, then targets, then known-future ones, each once. */
  List<String> stored() {
    var names = new LinkedHashSet<>(inputs());
    names.addAll(targets());
    names.addAll(settings.features().knownFuture());
    return List.copyOf(names);
  }

  private List<String> inputs() {
    return settings.features().channels().isEmpty()
        ? plant.channels()
        : settings.features().channels();
  }

  private List<String> targets() {
    return switch (settings.target().type()) {
      case FORECAST ->
          settings.target().channels().isEmpty() ? inputs() : settings.target().channels();
      case CLASS, EVENT, REMAINING_LIFE -> List.of();
    };
  }

  /** Step → a value per channel of the plant, then the label; NaN where nothing was read. */
  private NavigableMap<Long, double[]> observedSteps(String name) {
    int tracks = plant.channels().size() + 1;
    var byTick = new TreeMap<Long, List<RawPlant.Row>>();
    for (RawPlant.Row row : plant.rows()) {
      if (row.series().equals(name)) {
        byTick.computeIfAbsent(row.tick(), t -> new ArrayList<>()).add(row);
      }
    }
    var readings = new TreeMap<Long, List<List<Double>>>();
    byTick.forEach(
        (tick, rows) -> {
          var ofStep =
              readings.computeIfAbsent(
                  Math.floorDiv(tick, stepTicks()),
                  s -> {
                    var lists = new ArrayList<List<Double>>();
                    for (int track = 0; track < tracks; track++) {
                      lists.add(new ArrayList<>());
                    }
                    return lists;
                  });
          for (int track = 0; track < tracks; track++) {
            double value = valueAt(rows, track);
            if (!Double.isNaN(value)) {
              ofStep.get(track).add(value);
            }
          }
        });
    var found = new TreeMap<Long, double[]>();
    readings.forEach(
        (step, lists) -> {
          var values = new double[tracks];
          for (int track = 0; track < tracks; track++) {
            values[track] =
                lists.get(track).isEmpty()
                    ? Double.NaN
                    : aggregated(aggregate(track), lists.get(track));
          }
          found.put(step, values);
        });
    return found;
  }

  /** Of the readings of one time: those that arrived last, and of these the largest. */
  private double valueAt(List<RawPlant.Row> rows, int track) {
    boolean hasArrival = settings.source().columns().arrival() != null;
    long newest = Long.MIN_VALUE;
    double value = Double.NaN;
    for (RawPlant.Row row : rows) {
      double reading = reading(row, track);
      long arrival = hasArrival ? row.arrival() : 0;
      if (Double.isNaN(reading) || arrival < newest) {
        continue;
      }
      value = arrival > newest || Double.isNaN(value) ? reading : Math.max(value, reading);
      newest = arrival;
    }
    return value;
  }

  private double reading(RawPlant.Row row, int track) {
    if (track < plant.channels().size()) {
      return row.values()[track];
    }
    return row.state() == null ? Double.NaN : RawPlant.STATES.indexOf(row.state());
  }

  private Aggregate aggregate(int track) {
    if (track == plant.channels().size()) {
      return settings.target().labelAt() == LabelAt.ANY ? Aggregate.MAX : Aggregate.LAST;
    }
    return settings
        .resample()
        .aggregateByChannel()
        .getOrDefault(plant.channels().get(track), settings.resample().aggregate());
  }

  private static double aggregated(Aggregate aggregate, List<Double> inTimeOrder) {
    DoubleStream values = inTimeOrder.stream().mapToDouble(Double::doubleValue);
    return switch (aggregate) {
      case MEAN -> values.average().orElseThrow();
      case SUM -> values.sum();
      case MIN -> values.min().orElseThrow();
      case MAX -> values.max().orElseThrow();
      case FIRST -> inTimeOrder.get(0);
      case LAST -> inTimeOrder.get(inTimeOrder.size() - 1);
      case MEDIAN -> median(values.sorted().toArray());
    };
  }

  private static double median(double[] sorted) {
    int n = sorted.length;
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
  }

  /** Every step from the record's first to its last, gaps filled as the policy says. */
  private NavigableMap<Long, double[]> filledSteps(NavigableMap<Long, double[]> known) {
    var filled = new TreeMap<Long, double[]>();
    for (long step = known.firstKey(); step <= known.lastKey(); step++) {
      var values = new double[plant.channels().size() + 1];
      for (int track = 0; track < values.length; track++) {
        values[track] = value(known, step, track);
      }
      filled.put(step, values);
    }
    return filled;
  }

  private double value(NavigableMap<Long, double[]> known, long step, int track) {
    Long last = lastKnown(known, step, track);
    boolean isLabel = track == plant.channels().size();
    if ((last != null && last == step) || isLabel) {
      return last != null && last == step ? known.get(step)[track] : Double.NaN;
    }
    int longest = settings.resample().maxGapSteps();
    switch (settings.resample().gapPolicy()) {
      case FORWARD_FILL:
        return last != null && step - last <= longest ? known.get(last)[track] : Double.NaN;
      case INTERPOLATE:
        Long next = nextKnown(known, step, track);
        if (last == null || next == null || next - last - 1 > longest) {
          return Double.NaN;
        }
        double from = known.get(last)[track];
        double to = known.get(next)[track];
        return from + (to - from) / (next - last) * (step - last);
      default:
        return Double.NaN;
    }
  }

  private static Long lastKnown(NavigableMap<Long, double[]> known, long step, int track) {
    for (var entry : known.headMap(step, true).descendingMap().entrySet()) {
      if (!Double.isNaN(entry.getValue()[track])) {
        return entry.getKey();
      }
    }
    return null;
  }

  private static Long nextKnown(NavigableMap<Long, double[]> known, long step, int track) {
    for (var entry : known.tailMap(step, true).entrySet()) {
      if (!Double.isNaN(entry.getValue()[track])) {
        return entry.getKey();
      }
    }
    return null;
  }

  private short age(String name, long step, String channel) {
    Long last = lastKnown(observed.get(name), step, plant.channels().indexOf(channel));
    return last == null || step - last > settings.resample().maxGapSteps()
        ? Short.MAX_VALUE
        : (short) (step - last);
  }

  // ----------------------------------------------------------------------------- steps to windows

  private void cut(String name) {
    int T = settings.window().lookBack();
    int H = settings.window().horizon();
    long first = steps.get(name).firstKey();
    long last = steps.get(name).lastKey();
    for (long origin = first + T - 1; origin <= last - H; origin++) {
      if (Math.floorMod(origin, (long) settings.window().stride()) != 0) {
        continue;
      }
      Split split = splitOf(name, origin);
      String why = split == null ? "between-splits" : whyNot(name, origin);
      if (why == null) {
        windows.get(split).add(window(name, origin));
      } else {
        dropped.merge(why, 1L, Long::sum);
      }
    }
  }

  private String whyNot(String name, long origin) {
    int T = settings.window().lookBack();
    int H = settings.window().horizon();
    var features = settings.features();
    if (features.masks() || features.timeSinceLast()) {
      boolean anything = false;
      for (long step = origin - T + 1; step <= origin; step++) {
        for (String channel : inputs()) {
          anything |= age(name, step, channel) == 0;
        }
      }
      if (!anything) {
        return "nothing-observed";
      }
    } else if (misses(name, inputs(), origin - T + 1, origin)
        || misses(name, features.knownFuture(), origin - T + 1 + H, origin + H)) {
      return "input-missing";
    }
    if (misses(name, targets(), origin + 1, origin + H)) {
      return "target-missing";
    }
    return switch (settings.target().type()) {
      case FORECAST -> null;
      case CLASS -> Float.isNaN(classOf(name, origin)) ? "label-missing" : null;
      case EVENT, REMAINING_LIFE -> whyNoLife(name, origin);
    };
  }

  private boolean misses(String name, List<String> channels, long from, long to) {
    for (String channel : channels) {
      for (float value : values(name, channel, from, to)) {
        if (Float.isNaN(value)) {
          return true;
        }
      }
    }
    return false;
  }

  private List<Float> values(String name, String channel, long from, long to) {
    int track = plant.channels().indexOf(channel);
    var values = new ArrayList<Float>();
    for (long step = from; step <= to; step++) {
      double[] at = steps.get(name).get(step);
      values.add(at == null ? Float.NaN : (float) at[track]);
    }
    return values;
  }

  private Window window(String name, long origin) {
    int T = settings.window().lookBack();
    int H = settings.window().horizon();
    var features = settings.features();
    long from = origin - T + 1;
    var ages = new ArrayList<List<Short>>();
    if (features.masks() || features.timeSinceLast()) {
      for (String channel : inputs()) {
        ages.add(
            LongStream.rangeClosed(from, origin).mapToObj(s -> age(name, s, channel)).toList());
      }
    }
    return new Window(
        name,
        origin * stepTicks(),
        inputs().stream().map(c -> values(name, c, from, origin)).toList(),
        ages,
        targets().stream().map(c -> values(name, c, origin + 1, origin + H)).toList(),
        features.knownFuture().stream().map(c -> values(name, c, from + H, origin + H)).toList(),
        label(name, origin));
  }

  private Float label(String name, long origin) {
    return switch (settings.target().type()) {
      case FORECAST -> null;
      case CLASS -> classOf(name, origin);
      case EVENT -> nextEvent(name, origin) <= origin + leadSteps() ? 1f : 0f;
      case REMAINING_LIFE -> life(name, origin);
    };
  }

  private float classOf(String name, long origin) {
    int track = plant.channels().size();
    var known = new ArrayList<Integer>();
    for (long step = origin - settings.window().lookBack() + 1; step <= origin; step++) {
      double state = steps.get(name).get(step)[track];
      if (!Double.isNaN(state)) {
        known.add((int) state);
      }
    }
    double last = steps.get(name).get(origin)[track];
    return switch (settings.target().labelAt()) {
      case LAST -> (float) last;
      case ANY -> known.stream().max(Integer::compare).map(Integer::floatValue).orElse(Float.NaN);
      case MAJORITY ->
          known.stream()
              .max(
                  Comparator.comparingLong((Integer v) -> known.stream().filter(v::equals).count())
                      .thenComparing(Comparator.naturalOrder()))
              .map(Integer::floatValue)
              .orElse(Float.NaN);
    };
  }

  private String whyNoLife(String name, long origin) {
    if (events == null) {
      return null;
    }
    long recovery = ceilDiv(micros(settings.target().recovery()), stepTicks());
    for (long event : eventSteps(name)) {
      if (event <= origin && origin - event <= recovery) {
        return "after-event";
      }
    }
    long last = steps.get(name).lastKey();
    boolean isKnown =
        switch (settings.target().type()) {
          case EVENT ->
              nextEvent(name, origin) <= origin + leadSteps() || origin + leadSteps() <= last;
          default ->
              nextEvent(name, origin) < Long.MAX_VALUE || last - origin >= settings.target().cap();
        };
    return isKnown ? null : "censored";
  }

  private float life(String name, long origin) {
    long left =
        events == null
            ? steps.get(name).lastKey() - origin + remainingAtEnd.getOrDefault(name, 0L)
            : nextEvent(name, origin) - origin;
    return Math.min(left, settings.target().cap());
  }

  private List<Long> eventSteps(String name) {
    return (events == null ? Map.<String, List<Long>>of() : events)
        .getOrDefault(name, List.of()).stream()
            .map(tick -> Math.floorDiv(tick, stepTicks()))
            .toList();
  }

  /** Step of the first event after an origin; the largest number where there is none. */
  private long nextEvent(String name, long origin) {
    return eventSteps(name).stream()
        .filter(e -> e > origin)
        .min(Long::compare)
        .orElse(Long.MAX_VALUE);
  }

  private long leadSteps() {
    return ceilDiv(micros(settings.target().leadTime()), stepTicks());
  }

  // ------------------------------------------------------------------------------------- splits

  /** The split whose steps hold every target of the window. */
  private Split splitOf(String name, long origin) {
    int H = settings.window().horizon();
    for (Split split : Split.values()) {
      boolean holdsAll = true;
      for (long target = H == 0 ? origin : origin + 1; target <= origin + H; target++) {
        holdsAll &= holds(split, name, target);
      }
      if (holdsAll) {
        return split;
      }
    }
    return null;
  }

  private boolean holds(Split split, String name, long step) {
    var by = settings.split();
    if (name.startsWith("test/")) {
      return split == Split.TEST;
    }
    if (by.by() == SplitBy.SERIES) {
      return drawn.getOrDefault(split, List.of()).contains(name);
    }
    long[] ends = ends(name);
    int s = split.ordinal();
    return step < ends[s] && (s == 0 || step >= ends[s - 1] + by.embargoSteps());
  }

  /** First step after train, validation and test. */
  private long[] ends(String name) {
    var by = settings.split();
    double[] sizes = {by.train(), by.validation(), by.test() == null ? -1 : by.test()};
    var ends = new long[3];
    switch (by.unit()) {
      case FRACTION -> {
        var dated = series.stream().filter(s -> !s.startsWith("test/")).map(steps::get).toList();
        long first = dated.stream().mapToLong(NavigableMap::firstKey).min().orElseThrow();
        long last = dated.stream().mapToLong(NavigableMap::lastKey).max().orElseThrow();
        BigDecimal share = BigDecimal.ZERO;
        for (int s = 0; s < 3; s++) {
          share = share.add(BigDecimal.valueOf(sizes[s]));
          BigDecimal steps = share.multiply(BigDecimal.valueOf(last - first + 1));
          ends[s] = first + steps.setScale(0, RoundingMode.FLOOR).longValueExact();
        }
      }
      case ROWS -> {
        List<Long> withRow = List.copyOf(observed.get(name).keySet());
        int rows = 0;
        for (int s = 0; s < 3; s++) {
          rows += (int) sizes[s];
          ends[s] = rows < withRow.size() ? withRow.get(rows) : withRow.get(withRow.size() - 1) + 1;
        }
      }
      case INSTANT -> {
        for (int s = 0; s < 3; s++) {
          ends[s] = sizes[s] < 0 ? Long.MAX_VALUE : ceilDiv((long) sizes[s], stepTicks());
        }
      }
    }
    return ends;
  }

  // ------------------------------------------------------------------------------------- scalers

  /** The scaler of a channel over the train rows of some series. */
  Scaler scaler(Set<String> ofSeries, String channel) {
    int track = plant.channels().indexOf(channel);
    var values = new ArrayList<Double>();
    trainSteps()
        .forEach(
            (name, own) -> {
              if (ofSeries.contains(name)) {
                own.forEach(step -> values.add((double) (float) steps.get(name).get(step)[track]));
              }
            });
    values.removeIf(v -> Double.isNaN(v));
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    double mean = Arrays.stream(sorted).average().orElse(0);
    double variance = Arrays.stream(sorted).map(v -> (v - mean) * (v - mean)).average().orElse(0);
    double[] fit =
        switch (settings.scaling().method()) {
          case STANDARD -> new double[] {mean, Math.sqrt(variance)};
          case MIN_MAX -> new double[] {sorted[0], sorted[sorted.length - 1] - sorted[0]};
          case ROBUST ->
              new double[] {quantile(sorted, 2), quantile(sorted, 3) - quantile(sorted, 1)};
          case NONE -> new double[] {0, 1};
        };
    return new Scaler(fit[0], fit[1], sorted.length);
  }

  /** The q-th quartile, by a straight line between the two values about it. */
  private static double quantile(double[] sorted, int q) {
    double position = q / 4.0 * (sorted.length - 1);
    int below = (int) position;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
  }

  /** Steps of train segments: from the first window's first input to the last one's last target. */
  private Map<String, Set<Long>> trainSteps() {
    var train = new TreeMap<String, Set<Long>>();
    var ranges = new TreeMap<String, NavigableMap<Long, long[]>>();
    for (Window window : windows.get(Split.TRAIN)) {
      long origin = window.origin() / stepTicks();
      ranges
          .computeIfAbsent(window.series(), s -> new TreeMap<>())
          .merge(
              Math.floorDiv(origin, (long) settings.dataset().segmentSteps()),
              new long[] {origin, origin},
              (a, b) -> new long[] {Math.min(a[0], b[0]), Math.max(a[1], b[1])});
    }
    ranges.forEach(
        (name, segments) -> {
          var own = new TreeSet<Long>();
          segments
              .values()
              .forEach(
                  origins ->
                      LongStream.rangeClosed(
                              origins[0] - settings.window().lookBack() + 1,
                              origins[1] + settings.window().horizon())
                          .forEach(own::add));
          train.put(name, own);
        });
    return train;
  }

  // ------------------------------------------------------------------------- what a network sees

  /** T rows of I numbers: values, masks, times since last, calendar, known-future values. */
  List<List<Double>> networkInputs(Window window) {
    var features = settings.features();
    int T = settings.window().lookBack();
    var rows = new ArrayList<List<Double>>();
    for (int t = 0; t < T; t++) {
      int at = t;
      long tick = window.origin() + (t - T + 1) * stepTicks();
      var row = new ArrayList<Double>();
      forEach(
          inputs(),
          (c, i) -> row.add(orZero(normalized(window, c, window.inputs().get(i).get(at)))));
      if (features.masks()) {
        forEach(inputs(), (c, i) -> row.add(window.ages().get(i).get(at) == 0 ? 1.0 : 0.0));
      }
      if (features.timeSinceLast()) {
        double longest = settings.resample().maxGapSteps();
        forEach(inputs(), (c, i) -> row.add(Math.min(1, window.ages().get(i).get(at) / longest)));
      }
      for (Calendar cycle : features.calendar()) {
        double angle = 2 * Math.PI * phase(cycle, tick, features.calendarZone());
        row.add(Math.sin(angle));
        row.add(Math.cos(angle));
      }
      forEach(
          features.knownFuture(),
          (c, i) -> row.add(orZero(normalized(window, c, window.future().get(i).get(at)))));
      rows.add(row);
    }
    return rows;
  }

  /** H·K numbers: the channels of the first step ahead, then of the second. */
  List<Double> networkTargets(Window window) {
    var numbers = new ArrayList<Double>();
    for (int h = 0; h < settings.window().horizon(); h++) {
      int ahead = h;
      forEach(
          targets(),
          (c, k) -> numbers.add(normalized(window, c, window.targets().get(k).get(ahead))));
    }
    return numbers;
  }

  private static void forEach(List<String> names, java.util.function.ObjIntConsumer<String> body) {
    for (int i = 0; i < names.size(); i++) {
      body.accept(names.get(i), i);
    }
  }

  private static double orZero(double value) {
    return Double.isNaN(value) ? 0 : value;
  }

  private double normalized(Window window, String channel, float value) {
    Scaler scaler = scalerFor(window.series(), channel);
    return (value - scaler.center()) / scaler.scale() - anchor(window, channel, scaler);
  }

  /** The last known value of the look-back, or the mean of those known, scaled. */
  private double anchor(Window window, String channel, Scaler scaler) {
    long origin = window.origin() / stepTicks();
    var known =
        values(window.series(), channel, origin - settings.window().lookBack() + 1, origin).stream()
            .filter(v -> !v.isNaN())
            .map(v -> (v - scaler.center()) / scaler.scale())
            .toList();
    return switch (settings.scaling().window()) {
      case NONE -> 0;
      case LAST -> known.isEmpty() ? 0 : known.get(known.size() - 1);
      case MEAN -> known.stream().mapToDouble(Double::doubleValue).average().orElse(0);
    };
  }

  /**
   * A series' own scaler where the scope says so and it has train rows, else that of all series.
   */
  private Scaler scalerFor(String name, String channel) {
    boolean own =
        settings.scaling().scope() == ScalingScope.SERIES && trainSteps().containsKey(name);
    return scalers.computeIfAbsent(
        List.of(own ? name : "", channel), k -> scaler(own ? Set.of(name) : series, channel));
  }

  private static double phase(Calendar cycle, long tick, ZoneId zone) {
    ZonedDateTime at = Instant.EPOCH.plus(tick, ChronoUnit.MICROS).atZone(zone);
    return switch (cycle) {
      case HOUR_OF_DAY -> at.toLocalTime().toSecondOfDay() / 86_400.0;
      case DAY_OF_WEEK -> at.getDayOfWeek().ordinal() / 7.0;
      case DAY_OF_YEAR -> (at.getDayOfYear() - 1.0) / at.toLocalDate().lengthOfYear();
      case MONTH -> at.getMonth().ordinal() / 12.0;
    };
  }

  /** Names of all series. */
  Set<String> series() {
    return series;
  }

  private long stepTicks() {
    return settings.resample().axis().stepTicks();
  }

  private long micros(java.time.Duration duration) {
    return settings.resample().axis().type() == TimeAxis.Type.TIMESTAMP
        ? duration.toNanos() / 1000
        : duration.toSeconds();
  }

  private static long ceilDiv(long a, long b) {
    return -Math.floorDiv(-a, b);
  }
}
