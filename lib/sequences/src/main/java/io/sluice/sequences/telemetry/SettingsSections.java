package io.sluice.sequences.telemetry;

import io.sluice.config.ConfigReader;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract.Calendar;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import io.sluice.sequences.dataset.WindowContract.WindowNormalization;
import io.sluice.sequences.telemetry.SequenceSettings.Aggregate;
import io.sluice.sequences.telemetry.SequenceSettings.DatasetLayout;
import io.sluice.sequences.telemetry.SequenceSettings.DatasetSettings;
import io.sluice.sequences.telemetry.SequenceSettings.Events;
import io.sluice.sequences.telemetry.SequenceSettings.Features;
import io.sluice.sequences.telemetry.SequenceSettings.GapPolicy;
import io.sluice.sequences.telemetry.SequenceSettings.LabelAt;
import io.sluice.sequences.telemetry.SequenceSettings.Resample;
import io.sluice.sequences.telemetry.SequenceSettings.Scaling;
import io.sluice.sequences.telemetry.SequenceSettings.ScalingMethod;
import io.sluice.sequences.telemetry.SequenceSettings.ScalingScope;
import io.sluice.sequences.telemetry.SequenceSettings.SplitBy;
import io.sluice.sequences.telemetry.SequenceSettings.SplitSettings;
import io.sluice.sequences.telemetry.SequenceSettings.SplitUnit;
import io.sluice.sequences.telemetry.SequenceSettings.Target;
import io.sluice.sequences.telemetry.SequenceSettings.Window;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Reads the sections of {@link SequenceSettings} and checks the rules that span their keys. */
final class SettingsSections {
  private SettingsSections() {}

  static Resample resample(ConfigReader s, TimeAxis.Type time) {
    Duration interval = s.positiveDuration("interval");
    int ordinalStep = s.intAtLeast("ordinal-step", 1);
    long micros = micros(interval);
    s.check(
        micros > 0 && interval.toNanos() % 1000 == 0,
        "interval",
        "must be a whole number of microseconds, but is %s",
        interval);
    TimeAxis axis =
        new TimeAxis(
            time,
            switch (time) {
              case TIMESTAMP -> Math.max(1, micros);
              case ORDINAL -> ordinalStep;
            });
    var byChannel = new TreeMap<String, Aggregate>();
    for (Map.Entry<String, String> e : s.stringMap("aggregate-by-channel").entrySet()) {
      Aggregate found = null;
      for (Aggregate aggregate : Aggregate.values()) {
        if (ConfigReader.kebab(aggregate).equals(e.getValue())) {
          found = aggregate;
        }
      }
      s.check(
          found != null,
          "aggregate-by-channel",
          "must have values of %s, but %s has \"%s\"",
          Arrays.stream(Aggregate.values()).map(ConfigReader::kebab).toList(),
          e.getKey(),
          e.getValue());
      byChannel.put(e.getKey(), found == null ? Aggregate.MEAN : found);
    }
    return new Resample(
        axis,
        s.choice("aggregate", Aggregate.class),
        byChannel,
        s.choice("gap-policy", GapPolicy.class),
        s.intBetween("max-gap-steps", 0, Short.MAX_VALUE - 1));
  }

  static Features features(ConfigReader s, GapPolicy gapPolicy) {
    boolean masks = s.flag("masks");
    boolean timeSinceLast = s.flag("time-since-last");
    s.check(
        gapPolicy != GapPolicy.MASK || masks || timeSinceLast,
        "masks",
        "must be true with resample.gap-policy = mask: without it a network cannot tell a missing"
            + " value from an average one");
    return new Features(
        distinct(s, "channels"),
        masks,
        timeSinceLast,
        s.choices("calendar", Calendar.class),
        s.zone("calendar-zone"),
        distinct(s, "known-future"));
  }

  private static List<String> distinct(ConfigReader s, String key) {
    List<String> names = s.strings(key);
    s.check(
        new HashSet<>(names).size() == names.size(), key, "must be distinct, but are %s", names);
    return names;
  }

  static Target target(ConfigReader s) {
    TargetType type = s.choice("type", TargetType.class);
    String label = s.optionalString("label").orElse(null);
    s.check(
        type != TargetType.CLASS || label != null,
        "label",
        "is required with target.type = class: the name of the label column");
    String path = s.optionalString("events-path").orElse(null);
    s.check(
        type != TargetType.EVENT || path != null,
        "events-path",
        "is required with target.type = event: the table of events");
    boolean usesEvents =
        path != null && (type == TargetType.EVENT || type == TargetType.REMAINING_LIFE);
    Events events =
        usesEvents
            ? new Events(
                path,
                s.string("events-format"),
                s.stringMap("events-options"),
                s.string("event-series"),
                s.string("event-time"),
                s.string("event-type"),
                s.strings("event-types"))
            : null;
    String remaining = s.optionalString("remaining-at-end-path").orElse(null);
    s.check(
        remaining == null || type == TargetType.REMAINING_LIFE,
        "remaining-at-end-path",
        "needs target.type = remaining-life, but it is %s",
        ConfigReader.kebab(type));
    return new Target(
        type,
        distinct(s, "channels"),
        type == TargetType.CLASS ? label : null,
        s.choice("label-at", LabelAt.class),
        events,
        s.positiveDuration("lead-time"),
        s.duration("recovery"),
        s.intAtLeast("remaining-life-cap", 1),
        remaining);
  }

  static Window window(ConfigReader s, TargetType target) {
    int lookBack = s.intBetween("look-back", 1, 1_000_000);
    int horizon = s.intBetween("horizon", 0, 1_000_000);
    if (target == TargetType.FORECAST) {
      s.check(
          horizon >= 1,
          "horizon",
          "must be at least 1 for target.type = forecast, but is %d",
          horizon);
    } else {
      s.check(
          horizon == 0,
          "horizon",
          "must be 0 for target.type = %s, which is judged at the origin, but is %d",
          ConfigReader.kebab(target),
          horizon);
    }
    return new Window(lookBack, horizon, s.intAtLeast("stride", 1));
  }

  static SplitSettings split(ConfigReader s, Window window) {
    SplitBy by = s.choice("by", SplitBy.class);
    SplitUnit unit = s.choice("unit", SplitUnit.class);
    List<String> trainSeries = s.strings("train-series");
    List<String> validationSeries = s.strings("validation-series");
    List<String> testSeries = s.strings("test-series");
    var named = new HashSet<String>();
    for (List<String> list : List.of(trainSeries, validationSeries, testSeries)) {
      for (String series : list) {
        s.check(
            named.add(series),
            "train-series",
            "must not share series %s with another split",
            series);
      }
    }
    SplitUnit used = by == SplitBy.SERIES ? SplitUnit.FRACTION : unit;
    double train = bound(s, "train", used);
    double validation = bound(s, "validation", used);
    Double test = s.isSet("test") ? Double.valueOf(bound(s, "test", used)) : null;
    if (used == SplitUnit.FRACTION) {
      double sum = train + validation + (test == null ? 0 : test);
      s.check(
          test != null && sum <= 1 + 1e-9,
          "test",
          "train + validation + test must be at most 1, but are %s + %s + %s",
          train,
          validation,
          test);
    } else if (used == SplitUnit.ROWS) {
      s.check(test != null, "test", "is required with split.unit = rows: rows of the test split");
    } else {
      s.check(
          train <= validation && (test == null || validation <= test),
          "validation",
          "must not lie before split.train, nor split.test before it");
    }
    String embargoText = s.string("embargo");
    int embargo =
        embargoText.equals("auto")
            ? window.lookBack() + window.horizon()
            : integer(s, "embargo", embargoText, 0);
    return new SplitSettings(
        by,
        used,
        train,
        validation,
        test,
        embargo,
        s.longValue("seed"),
        trainSeries,
        validationSeries,
        testSeries);
  }

  private static double bound(ConfigReader s, String key, SplitUnit unit) {
    String text = s.string(key);
    if (unit == SplitUnit.INSTANT) {
      try {
        Instant at = OffsetDateTime.parse(text).toInstant();
        return Math.multiplyExact(at.getEpochSecond(), 1_000_000L) + at.getNano() / 1000;
      } catch (DateTimeException e) {
        s.check(
            false,
            key,
            "must be an instant such as 2024-01-01T00:00:00Z with split.unit = instant, but is"
                + " \"%s\"",
            text);
        return 0;
      }
    }
    try {
      double value = Double.parseDouble(text);
      boolean sound =
          unit == SplitUnit.FRACTION
              ? value >= 0 && value <= 1
              : value >= 0 && value == Math.rint(value);
      s.check(
          sound,
          key,
          unit == SplitUnit.FRACTION
              ? "must be a share in [0, 1], but is %s"
              : "must be a number of rows, 0 or more, but is %s",
          text);
      return value;
    } catch (NumberFormatException e) {
      s.check(
          false,
          key,
          "must be a number with split.unit = %s, but is \"%s\"",
          ConfigReader.kebab(unit),
          text);
      return 0;
    }
  }

  static Scaling scaling(ConfigReader s) {
    return new Scaling(
        s.choice("method", ScalingMethod.class),
        s.choice("scope", ScalingScope.class),
        s.choice("window", WindowNormalization.class));
  }

  static DatasetSettings dataset(ConfigReader s, TimeAxis axis, Window window) {
    String segmentText = s.string("segment-steps");
    int segmentSteps =
        segmentText.equals("auto")
            ? 20 * (window.lookBack() + window.horizon())
            : integer(s, "segment-steps", segmentText, 1);
    Duration period = s.positiveDuration("period");
    int ordinalPeriod = s.intAtLeast("ordinal-period", 1);
    Instant from = s.optionalInstant("rebuild-from").orElse(null);
    Instant to = s.optionalInstant("rebuild-to").orElse(null);
    s.check(
        (from == null) == (to == null),
        from == null ? "rebuild-from" : "rebuild-to",
        "is required: dataset.rebuild-from and dataset.rebuild-to come together");
    s.check(
        from == null || axis.type() == TimeAxis.Type.TIMESTAMP,
        "rebuild-from",
        "needs source.time.type = timestamp");
    s.check(
        from == null || to == null || !to.isBefore(from),
        "rebuild-to",
        "must not lie before dataset.rebuild-from (%s), but is %s",
        from,
        to);
    String codec = s.string("codec");
    s.check(
        List.of("zstd", "snappy", "gzip", "lz4_raw", "uncompressed").contains(codec),
        "codec",
        "must be one of [zstd, snappy, gzip, lz4_raw, uncompressed], but is \"%s\"",
        codec);
    long periodTicks =
        axis.type() == TimeAxis.Type.TIMESTAMP
            ? Math.max(1, micros(period))
            : Math.multiplyExact((long) ordinalPeriod, axis.stepTicks());
    DatasetLayout layout = s.choice("layout", DatasetLayout.class);
    s.check(
        !layout.isText(),
        "layout",
        "must be segments or windows, but is %s: a dataset of text is built by build-sequences alone",
        ConfigReader.kebab(layout));
    s.check(
        !s.flag("incremental"),
        "incremental",
        "is for dataset.layout = documents and stream; telemetry has dataset.rebuild-from and rebuild-to");
    return new DatasetSettings(
        s.string("path"),
        layout,
        segmentSteps,
        periodTicks,
        codec,
        from,
        to,
        s.intAtLeast("partitions", 0));
  }

  /** What is written replaces a folder as a whole, so no raw data may lie in it. */
  static void requireApart(ConfigReader root, SequenceSettings settings) {
    String dataset = settings.dataset().path();
    String rejects = settings.reject().path();
    for (String source : Arrays.asList(settings.source().path(), settings.source().testPath())) {
      requireOutside(root, source, "dataset.path", dataset);
      requireOutside(root, source, "reject.path", rejects);
    }
    requireOutside(root, dataset, "reject.path", rejects);
    requireOutside(root, rejects, "dataset.path", dataset);
  }

  private static void requireOutside(
      ConfigReader root, String kept, String setting, String replaced) {
    root.check(
        kept == null || !(withSlash(kept)).startsWith(withSlash(replaced)),
        setting,
        "is replaced as a whole, so %s must not lie in it; give it a folder of its own",
        kept);
  }

  private static String withSlash(String path) {
    return path.endsWith("/") ? path : path + "/";
  }

  private static int integer(ConfigReader s, String key, String text, int min) {
    try {
      int value = Integer.parseInt(text);
      s.check(value >= min, key, "must be auto or at least %d, but is %d", min, value);
      return Math.max(min, value);
    } catch (NumberFormatException e) {
      s.check(false, key, "must be auto or an integer, but is \"%s\"", text);
      return min;
    }
  }

  private static long micros(Duration duration) {
    return Math.addExact(
        Math.multiplyExact(duration.getSeconds(), 1_000_000L), duration.getNano() / 1000);
  }
}
