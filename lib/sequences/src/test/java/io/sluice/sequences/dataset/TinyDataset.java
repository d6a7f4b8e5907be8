package io.sluice.sequences.dataset;

import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.SequenceManifest.SplitSummary;
import io.sluice.sequences.dataset.WindowContract.Calendar;
import io.sluice.sequences.dataset.WindowContract.Scaling;
import io.sluice.sequences.dataset.WindowContract.Target;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import io.sluice.sequences.dataset.WindowContract.WindowNormalization;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * A small dataset on disk with known answers, written without Spark: hourly sine waves with a daily
 * pattern, {@link #value}, cut and laid out as {@code build-sequences} does.
 *
 * <pre>{@code
 * TinyDataset tiny = TinyDataset.forecast().lookBack(24).horizon(6);
 * String uri = tiny.write(temporaryFolder);
 * }</pre>
 *
 * <p>Splits by time, 70, 15 and 15 percent, no step shared; scalers fitted on the train steps.
 */
public final class TinyDataset {
  private static final long HOUR = 3_600_000_000L; // microseconds
  private static final long FIRST_STEP =
      Instant.parse("2024-01-01T00:00:00Z").getEpochSecond() / 3600;

  private TargetType type = TargetType.FORECAST;
  private boolean ordinal;
  private int series = 2;
  private List<String> channels = List.of("load", "temperature");
  private List<String> inputs = channels;
  private List<String> targets = channels;
  private List<String> knownFuture = List.of();
  private List<Calendar> calendar = List.of();
  private boolean masks;
  private boolean timeSinceLast;
  private int days = 40;
  private int lookBack = 24;
  private int horizon = 6;
  private int stride = 1;
  private int segmentSteps = 48;
  private int periodDays = 10;
  private double noise;
  private double missingShare;
  private boolean scalersBySeries;
  private WindowNormalization window = WindowNormalization.NONE;
  private boolean audited = true;
  private boolean dictionary = true;
  private int pageRows = 20_000;

  private TinyDataset() {}

  /** Two series of two channels over 40 days; look-back 24 hours, horizon 6. */
  public static TinyDataset forecast() {
    return new TinyDataset();
  }

  /** Class 0, 1 or 2: the third of the day that the origin lies in. */
  public static TinyDataset classes() {
    return new TinyDataset().target(TargetType.CLASS);
  }

  /** Event 1 from 18 o'clock on: "midnight comes within six hours". */
  public static TinyDataset event() {
    return new TinyDataset().target(TargetType.EVENT);
  }

  /** Steps left to the end of the record, capped at 125. */
  public static TinyDataset remainingLife() {
    return new TinyDataset().target(TargetType.REMAINING_LIFE);
  }

  /** Channel c of series s at hour n of the record, before noise. */
  public static float value(int s, int c, int n) {
    return (float) (10 * (c + 1) + s + 3 * Math.sin(2 * Math.PI * (n + 5 * c) / 24));
  }

  /** "unit-0", "unit-1", …. */
  public static String seriesName(int s) {
    return "unit-" + s;
  }

  private TinyDataset target(TargetType newType) {
    type = newType;
    horizon = newType == TargetType.FORECAST ? horizon : 0;
    targets = newType == TargetType.FORECAST ? targets : List.of();
    return this;
  }

  /** Time is the hour's number instead of a time stamp. */
  public TinyDataset ordinal() {
    ordinal = true;
    return this;
  }

  public TinyDataset series(int count) {
    series = count;
    return this;
  }

  /** Stored channels; all of them inputs and, for a forecast, targets. */
  public TinyDataset channels(String... names) {
    channels = List.of(names);
    inputs = channels;
    targets = type == TargetType.FORECAST ? channels : List.of();
    return this;
  }

  public TinyDataset inputs(String... names) {
    inputs = List.of(names);
    return this;
  }

  public TinyDataset targets(String... names) {
    targets = List.of(names);
    return this;
  }

  public TinyDataset knownFuture(String... names) {
    knownFuture = List.of(names);
    return this;
  }

  public TinyDataset calendar(Calendar... cycles) {
    calendar = List.of(cycles);
    return this;
  }

  public TinyDataset masks() {
    masks = true;
    return this;
  }

  public TinyDataset timeSinceLast() {
    timeSinceLast = true;
    return this;
  }

  public TinyDataset days(int count) {
    days = count;
    return this;
  }

  public TinyDataset lookBack(int steps) {
    lookBack = steps;
    return this;
  }

  public TinyDataset horizon(int steps) {
    horizon = steps;
    return this;
  }

  public TinyDataset stride(int steps) {
    stride = steps;
    return this;
  }

  /** Origins per segment. */
  public TinyDataset segmentSteps(int steps) {
    segmentSteps = steps;
    return this;
  }

  /** Days per Parquet partition. */
  public TinyDataset periodDays(int count) {
    periodDays = count;
    return this;
  }

  /** Standard deviation of Gaussian noise on every value. */
  public TinyDataset noise(double deviation) {
    noise = deviation;
    return this;
  }

  /** Share of values that are missing. */
  public TinyDataset missing(double share) {
    missingShare = share;
    return this;
  }

  public TinyDataset scalersBySeries() {
    scalersBySeries = true;
    return this;
  }

  public TinyDataset windowNormalization(WindowNormalization normalization) {
    window = normalization;
    return this;
  }

  /** Leaves the leakage audit out. */
  public TinyDataset withoutAudit() {
    audited = false;
    return this;
  }

  /** Parquet without dictionaries. */
  public TinyDataset withoutDictionary() {
    dictionary = false;
    return this;
  }

  /** Rows of a Parquet page; ten of them are a row group. */
  public TinyDataset pageRows(int rows) {
    pageRows = rows;
    return this;
  }

  /** What a window of this dataset is; scalers as fitted on the train steps. */
  public WindowContract contract() {
    return new WindowContract(
        new TimeAxis(ordinal ? TimeAxis.Type.ORDINAL : TimeAxis.Type.TIMESTAMP, ordinal ? 1 : HOUR),
        lookBack,
        horizon,
        stride,
        channels,
        inputs,
        masks,
        timeSinceLast,
        6,
        calendar,
        "UTC",
        knownFuture,
        new Target(type, targets, classes(type), 0, type == TargetType.REMAINING_LIFE ? 125 : 0),
        scaling());
  }

  private static List<String> classes(TargetType type) {
    return switch (type) {
      case CLASS -> List.of("night", "day", "evening");
      case EVENT -> List.of("no event", "event");
      case FORECAST, REMAINING_LIFE -> List.of();
    };
  }

  /** All segments of a split, in stored order. */
  public List<Segment> segments(Split split) {
    int from = bound(split.ordinal());
    int to = bound(split.ordinal() + 1);
    var segments = new ArrayList<Segment>();
    for (int s = 0; s < series; s++) {
      Record record = record(s);
      long firstBlock = Math.floorDiv(absolute(from), segmentSteps);
      long lastBlock = Math.floorDiv(absolute(to - 1), segmentSteps);
      for (long block = firstBlock; block <= lastBlock; block++) {
        Segment segment = segment(record, s, block, from, to);
        if (segment.windows() > 0) {
          segments.add(segment);
        }
      }
    }
    return segments;
  }

  /** Writes the dataset; the folder is made if it is not there. Returns its URI. */
  public String write(Path folder) {
    try {
      Files.createDirectories(folder);
      Files.writeString(
          folder.resolve(SequenceManifest.FILE_NAME), ManifestJson.write(writeParts(folder)));
      return folder.toUri().toString();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private SequenceManifest writeParts(Path folder) throws IOException {
    var parts = new ArrayList<Part>();
    var splits = new TreeMap<String, SplitSummary>();
    for (Split split : Split.values()) {
      List<Segment> segments = segments(split);
      var byPeriod = new TreeMap<String, List<Segment>>();
      for (Segment segment : segments) {
        byPeriod.computeIfAbsent(period(segment.id()), p -> new ArrayList<>()).add(segment);
      }
      for (var period : byPeriod.entrySet()) {
        String path =
            "split=%s/period=%s/part-00000.parquet".formatted(split.label(), period.getKey());
        new TinyParquet(contract(), dictionary, pageRows)
            .write(folder.resolve(path).toUri().toString(), period.getValue());
        parts.add(part(path, split, period.getValue()));
      }
      splits.put(split.label(), summary(segments));
    }
    var audit =
        new SequenceManifest.Audit(
            true,
            List.of(new SequenceManifest.Check("shared steps", true, "splits share no step")));
    return ManifestSeal.seal(
        new SequenceManifest(
            SequenceManifest.FORMAT,
            "tiny",
            "segments",
            contract(),
            ManifestJson.mapper().createObjectNode().put("writtenBy", "TinyDataset"),
            splits,
            ManifestJson.mapper().createObjectNode(),
            0,
            parts,
            new SequenceManifest.SourceFingerprint(
                "memory", 1, (long) series * steps(), tick(0), tick(steps() - 1), "0".repeat(16)),
            Map.of(),
            Map.of(),
            Map.of(),
            "0".repeat(64),
            "0.1.0-SNAPSHOT",
            "2024-06-01T00:00:00Z",
            audited ? audit : null,
            null));
  }

  private Segment segment(Record record, int s, long block, int from, int to) {
    int blockStart = (int) (block * segmentSteps - absolute(0));
    int start = Math.max(from, blockStart - (lookBack - 1));
    int end = Math.min(to, blockStart + segmentSteps + horizon); // exclusive
    int[] origins =
        IntStream.range(Math.max(blockStart, from), Math.min(blockStart + segmentSteps, to))
            .filter(n -> n - lookBack + 1 >= from && n + horizon < to)
            .filter(n -> Math.floorMod(absolute(n), stride) == 0)
            .map(n -> n - start)
            .toArray();
    int steps = Math.max(0, end - start);
    long[] times = new long[steps];
    float[] label = type == TargetType.FORECAST ? null : new float[steps];
    for (int i = 0; i < steps; i++) {
      times[i] = tick(start + i);
      if (label != null) {
        label[i] = label(start + i);
      }
    }
    float[][] values = new float[channels.size()][];
    short[][] ages = masks || timeSinceLast ? new short[channels.size()][] : null;
    for (int c = 0; c < values.length; c++) {
      values[c] = Arrays.copyOfRange(record.values[c], start, start + steps);
      if (ages != null && inputs.contains(channels.get(c))) {
        ages[c] = Arrays.copyOfRange(record.ages[c], start, start + steps);
      }
    }
    return new Segment(seriesName(s), block, times, values, ages, label, origins);
  }

  private float label(int n) {
    return switch (type) {
      case CLASS -> (n % 24) / 8;
      case EVENT -> n % 24 >= 18 ? 1 : 0;
      case REMAINING_LIFE -> Math.min(125, steps() - 1 - n);
      case FORECAST -> Float.NaN;
    };
  }

  private record Record(float[][] values, short[][] ages) {}

  private Record record(int s) {
    var random = new Random(1000L + s);
    float[][] values = new float[channels.size()][steps()];
    short[][] ages = new short[channels.size()][steps()];
    for (int c = 0; c < values.length; c++) {
      int age = Short.MAX_VALUE;
      for (int n = 0; n < steps(); n++) {
        float value = (float) (value(s, c, n) + noise * random.nextGaussian());
        boolean missing = random.nextDouble() < missingShare;
        values[c][n] = missing ? Float.NaN : value;
        age = missing ? Math.min(Short.MAX_VALUE, age + 1) : 0;
        ages[c][n] = (short) age;
      }
    }
    return new Record(values, ages);
  }

  private Scaling scaling() {
    var bySeries = new TreeMap<String, Map<String, Scaler>>();
    var all = new ArrayList<Record>();
    for (int s = 0; s < series; s++) {
      Record record = record(s);
      all.add(record);
      if (scalersBySeries) {
        bySeries.put(seriesName(s), scalers(List.of(record)));
      }
    }
    return new Scaling("standard", window, scalers(all), bySeries);
  }

  private Map<String, Scaler> scalers(List<Record> records) {
    var scalers = new TreeMap<String, Scaler>();
    for (int c = 0; c < channels.size(); c++) {
      double sum = 0;
      double squares = 0;
      long rows = 0;
      for (Record record : records) {
        for (int n = 0; n < bound(1); n++) {
          float value = record.values[c][n];
          if (!Float.isNaN(value)) {
            sum += value;
            squares += (double) value * value;
            rows++;
          }
        }
      }
      double mean = sum / rows;
      scalers.put(channels.get(c), new Scaler(mean, Math.sqrt(squares / rows - mean * mean), rows));
    }
    return scalers;
  }

  private int steps() {
    return 24 * days;
  }

  /** First step of split i; the end of the record for i = 3. */
  private int bound(int i) {
    return switch (i) {
      case 0 -> 0;
      case 1 -> (int) Math.round(steps() * 0.7);
      case 2 -> (int) Math.round(steps() * 0.85);
      default -> steps();
    };
  }

  private long absolute(int n) {
    return ordinal ? n : FIRST_STEP + n;
  }

  private long tick(int n) {
    return ordinal ? n : (FIRST_STEP + n) * HOUR;
  }

  private String period(long block) {
    long start = block * segmentSteps;
    if (ordinal) {
      return "%010d".formatted(Math.floorDiv(start, 24L * periodDays) * 24L * periodDays);
    }
    long day = Math.floorDiv(start, 24L);
    return LocalDate.ofEpochDay(Math.floorDiv(day, periodDays) * periodDays).toString();
  }

  private static Part part(String path, Split split, List<Segment> segments) {
    SplitSummary sum = summary(segments);
    var hash = new java.util.zip.CRC32();
    segments.forEach(s -> hash.update(s.toString().getBytes(StandardCharsets.UTF_8)));
    return new Part(
        path,
        split.label(),
        sum.segments(),
        sum.steps(),
        sum.windows(),
        "%016x".formatted(hash.getValue()));
  }

  private static SplitSummary summary(List<Segment> segments) {
    long[] origins =
        segments.stream()
            .flatMapToLong(s -> Arrays.stream(s.origins()).mapToLong(o -> s.times()[o]))
            .sorted()
            .toArray();
    return new SplitSummary(
        segments.stream().map(Segment::series).distinct().count(),
        segments.size(),
        segments.stream().mapToLong(Segment::steps).sum(),
        origins.length,
        origins.length == 0 ? null : origins[0],
        origins.length == 0 ? null : origins[origins.length - 1]);
  }
}
