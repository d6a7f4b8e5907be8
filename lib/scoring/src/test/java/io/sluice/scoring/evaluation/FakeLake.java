package io.sluice.scoring.evaluation;

import io.sluice.sequences.dataset.Scaler;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.SequenceManifest.SplitSummary;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;

/**
 * Hourly series in memory, cut into segments and parts as a dataset is, and a model that is off by
 * a known amount.
 *
 * @param offset what the model adds to the truth
 * @param gapAt test steps from here are missing for 5 steps in channel 0; negative = none
 */
record FakeLake(double offset, int gapAt) implements WindowSource.Opener {
  static final int STEPS = 1200;
  static final int TRAIN = 700;
  static final int VALIDATION = 800;
  static final int LOOK_BACK = 48;
  static final int HORIZON = 12;
  static final int BLOCK = 60;
  static final int PERIOD = 240; // ten days
  static final int DAY = 24;
  static final int WEEK = 168;
  static final double SCALE = 2;
  static final List<String> SERIES = List.of("pump-1", "pump-2");
  static final List<String> CHANNELS = List.of("load", "flow", "temperature");
  static final List<String> TARGETS = List.of("flow", "load");
  static final long HOUR = 3_600_000_000L;
  // a Thursday's midnight: steps count from the epoch
  static final long FIRST = LocalDate.of(2024, 1, 4).toEpochDay() * 24;

  static WindowContract contract() {
    return new WindowContract(
        new TimeAxis(TimeAxis.Type.TIMESTAMP, HOUR),
        LOOK_BACK,
        HORIZON,
        1,
        CHANNELS,
        CHANNELS,
        false,
        false,
        6,
        List.of(),
        "UTC",
        List.of(),
        new WindowContract.Target(TargetType.FORECAST, TARGETS, List.of(), 0, 0),
        new WindowContract.Scaling(
            "standard",
            WindowContract.WindowNormalization.NONE,
            Map.of("load", new Scaler(0, SCALE, 1), "flow", new Scaler(1, SCALE, 1)),
            Map.of()));
  }

  /** The truth: a day, a week, a little noise. */
  float value(String series, String channel, int step) {
    if (gapAt >= 0 && channel.equals("load") && step >= gapAt && step < gapAt + 5) {
      return Float.NaN;
    }
    int shift = 10 * SERIES.indexOf(series) + 3 * CHANNELS.indexOf(channel);
    double noise = new SplittableRandom(31L * step + shift).nextDouble(-0.5, 0.5);
    return (float)
        (5
            + 2 * Math.sin(2 * Math.PI * (step + shift) / DAY)
            + Math.sin(2 * Math.PI * step / WEEK)
            + noise);
  }

  static int split(int origin) {
    return origin + HORIZON < TRAIN ? 0 : origin + HORIZON < VALIDATION ? 1 : 2;
  }

  private static final List<String> SPLITS = List.of("train", "validation", "test");

  List<Segment> allSegments(int split, int period, String series) {
    var segments = new ArrayList<Segment>();
    for (int block = period * PERIOD; block < (period + 1) * PERIOD; block += BLOCK) {
      int from = Math.max(split == 0 ? 0 : block - LOOK_BACK + 1, block - LOOK_BACK + 1);
      from = Math.max(0, from);
      int to = Math.min(block + BLOCK - 1 + HORIZON, STEPS - 1);
      if (split == 0) {
        to = Math.min(to, TRAIN - 1);
      }
      var origins = new ArrayList<Integer>();
      for (int origin = block; origin < block + BLOCK; origin++) {
        boolean whole = origin - LOOK_BACK + 1 >= 0 && origin + HORIZON < STEPS;
        boolean straddles =
            (origin < TRAIN && origin + HORIZON >= TRAIN)
                || (origin < VALIDATION && origin + HORIZON >= VALIDATION);
        if (whole && !straddles && split(origin) == split) {
          origins.add(origin - from);
        }
      }
      if (!origins.isEmpty()) {
        segments.add(segment(series, block / BLOCK, from, to, origins));
      }
    }
    return segments;
  }

  private Segment segment(String series, long id, int from, int to, List<Integer> origins) {
    int n = to - from + 1;
    var times = new long[n];
    var values = new float[CHANNELS.size()][n];
    for (int i = 0; i < n; i++) {
      times[i] = (FIRST + from + i) * HOUR;
      for (int c = 0; c < CHANNELS.size(); c++) {
        values[c][i] = value(series, CHANNELS.get(c), from + i);
      }
    }
    return new Segment(
        series, id, times, values, null, null, origins.stream().mapToInt(o -> o).toArray());
  }

  SequenceManifest manifest() {
    var parts = new ArrayList<Part>();
    var splits = new TreeMap<String, SplitSummary>();
    for (int s = 0; s < 3; s++) {
      long windows = 0;
      long first = Long.MAX_VALUE;
      long last = Long.MIN_VALUE;
      for (int period = 0; period < STEPS / PERIOD; period++) {
        for (int file = 0; file < SERIES.size(); file++) {
          List<Segment> segments = allSegments(s, period, SERIES.get(file));
          long here = segments.stream().mapToLong(Segment::windows).sum();
          if (here > 0) {
            parts.add(new Part(path(s, period, file), SPLITS.get(s), segments.size(), 0, here, ""));
            windows += here;
            for (Segment segment : segments) {
              first = Math.min(first, segment.times()[segment.origins()[0]]);
              last = Math.max(last, segment.times()[segment.origins()[segment.windows() - 1]]);
            }
          }
        }
      }
      splits.put(SPLITS.get(s), new SplitSummary(SERIES.size(), 0, 0, windows, first, last));
    }
    return new SequenceManifest(
        SequenceManifest.FORMAT,
        "fake",
        "segments",
        contract(),
        null,
        splits,
        null,
        0,
        parts,
        null,
        Map.of(),
        Map.of(),
        Map.of(),
        "hash",
        "code",
        "2024-06-01T00:00:00Z",
        new SequenceManifest.Audit(true, List.of()),
        "sealed");
  }

  private static String path(int split, int period, int file) {
    LocalDate day = LocalDate.of(2024, 1, 4).plusDays((long) period * PERIOD / 24);
    return "split=%s/period=%s/part-%05d.parquet".formatted(SPLITS.get(split), day, file);
  }

  @Override
  public WindowSource open(Configuration hadoop) {
    FakeLake lake = this;
    SequenceManifest manifest = manifest();
    return new WindowSource() {
      @Override
      public SequenceManifest manifest() {
        return manifest;
      }

      @Override
      public Iterator<Segment> segments(Part part) {
        int split = SPLITS.indexOf(part.split());
        int file = Integer.parseInt(part.path().replaceAll(".*part-(\\d+).*", "$1"));
        String day = part.path().replaceAll(".*period=([^/]*)/.*", "$1");
        int period = (int) ((LocalDate.parse(day).toEpochDay() * 24 - FIRST) / PERIOD);
        return lake.allSegments(split, period, SERIES.get(file)).iterator();
      }

      @Override
      public WindowModel model() {
        return lake::predict;
      }
    };
  }

  private WindowModel.Output predict(List<Window> windows) {
    int J = HORIZON * TARGETS.size();
    var point = new float[windows.size() * J];
    var lower = new float[point.length];
    var upper = new float[point.length];
    for (int b = 0; b < windows.size(); b++) {
      int origin = (int) (windows.get(b).originTime() / HOUR - FIRST);
      for (int j = 0; j < J; j++) {
        int step = origin + 1 + j / TARGETS.size();
        float y = value(windows.get(b).series(), TARGETS.get(j % TARGETS.size()), step);
        point[b * J + j] = (float) (y + offset);
        lower[b * J + j] = point[b * J + j] - 2;
        upper[b * J + j] = point[b * J + j] + 2;
      }
    }
    return new WindowModel.Output(List.of(), point, null, lower, upper, null);
  }
}
