package io.sluice.sequences.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.sequences.SparkExtension;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowContract;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;

/**
 * One build of a test: settings as a person would write them, over a folder of the test's own.
 *
 * <p>{@code lake.root} is the folder; the dataset is {@code dataset} below it.
 */
final class Build {
  static final Instant NOW = Instant.parse("2024-06-01T00:00:00Z");

  private final Path folder;
  private final List<String> lines = new ArrayList<>();

  Build(Path folder) {
    this.folder = folder;
  }

  /** A build of a wide CSV with columns time and load, single series, hourly; small windows. */
  static Build in(Path folder) {
    return new Build(folder)
        .with("name = test")
        .with("lake.root = \"%s\"".formatted(folder))
        .with("dataset.path = \"%s\"".formatted(folder.resolve("dataset")))
        .with("source { format = csv, series-from = single }")
        .with("window { look-back = 4, horizon = 2 }")
        .with("dataset.segment-steps = 8");
  }

  /** A build of a plant as wide CSV, hourly or by cycle, every split wanted and no embargo. */
  static Build of(RawPlant plant, Path folder) {
    plant.wideCsv(folder.resolve("plant.csv"));
    return new Build(folder)
        .with("name = test")
        .with("lake.root = \"%s\"".formatted(folder))
        .with("dataset.path = \"%s\"".formatted(folder.resolve("dataset")))
        .source(folder.resolve("plant.csv"))
        .with("source { format = csv, columns.series = series, columns.arrival = arrived }")
        .with("source.time.type = " + (plant.ordinal() ? "ordinal" : "timestamp"))
        .with("features.channels = [flow, pressure, temp]")
        .with("window { look-back = 4, horizon = 3 }")
        .with("split { train = 0.5, validation = 0.25, test = 0.25, embargo = 0 }")
        .with("resample.max-gap-steps = 3")
        .with("dataset { segment-steps = 16, period = 5 days, ordinal-period = 64 }");
  }

  /** Adds settings; later ones win. */
  Build with(String hocon) {
    lines.add(hocon);
    return this;
  }

  /** Reads from a path. */
  Build source(Path path) {
    return with("source.path = \"%s\"".formatted(path));
  }

  /** Writes a file and reads from it. */
  Build csv(String... rows) {
    return source(write("source.csv", rows));
  }

  Path write(String name, String... rows) {
    try {
      Path file = folder.resolve(name);
      Files.createDirectories(file.getParent());
      return Files.writeString(file, String.join("\n", rows) + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  SequenceSettings settings() {
    return Settings.parse(String.join("\n", lines)).read(SequenceSettings::from);
  }

  BuildReport run() {
    return SequenceBuilder.build(
        SparkExtension.session(), settings(), new Provenance("run", "test", "hash", NOW));
  }

  Path dataset() {
    return folder.resolve("dataset");
  }

  SequenceManifest manifest() {
    return open().manifest();
  }

  String manifestText() {
    try {
      return Files.readString(dataset().resolve(SequenceManifest.FILE_NAME));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  SequenceDataset open() {
    return SequenceDataset.open(dataset().toString(), new Configuration());
  }

  /** Every segment of a split, in manifest order, through the dataset's own reader. */
  List<Segment> segments(Split split) {
    var segments = new ArrayList<Segment>();
    SequenceDataset dataset = open();
    for (Part part : dataset.parts(split)) {
      dataset.segments(part).forEachRemaining(segments::add);
    }
    return segments;
  }

  /** Every window of a split, by series, then origin, as the reference describes it. */
  List<TelemetryReference.Window> windows(Split split) {
    WindowContract contract = manifest().contract();
    var windows = new ArrayList<TelemetryReference.Window>();
    for (Segment segment : segments(split)) {
      for (int n : segment.origins()) {
        windows.add(window(contract, segment, n));
      }
    }
    windows.sort(
        Comparator.comparing(TelemetryReference.Window::series)
            .thenComparing(TelemetryReference.Window::origin));
    return windows;
  }

  static TelemetryReference.Window window(WindowContract contract, Segment segment, int n) {
    int T = contract.lookBack();
    int H = contract.horizon();
    var ages = new ArrayList<List<Short>>();
    if (contract.storesAges()) {
      for (String channel : contract.inputs()) {
        short[] own = segment.ages()[contract.channels().indexOf(channel)];
        ages.add(IntStream.rangeClosed(n - T + 1, n).mapToObj(i -> own[i]).toList());
      }
    }
    return new TelemetryReference.Window(
        segment.series(),
        segment.times()[n],
        slices(contract, segment, contract.inputs(), n - T + 1, n),
        ages,
        slices(contract, segment, contract.target().channels(), n + 1, n + H),
        slices(contract, segment, contract.knownFuture(), n - T + 1 + H, n + H),
        segment.label() == null ? null : Float.valueOf(segment.label()[n]));
  }

  /** Values of channels at steps {@code from} to {@code to}; NaN past the segment's end. */
  private static List<List<Float>> slices(
      WindowContract contract, Segment segment, List<String> channels, int from, int to) {
    var slices = new ArrayList<List<Float>>();
    for (String channel : channels) {
      float[] values = segment.values()[contract.channels().indexOf(channel)];
      slices.add(
          IntStream.rangeClosed(from, to)
              .mapToObj(i -> i < values.length ? values[i] : Float.NaN)
              .toList());
    }
    return slices;
  }

  /** Times of every window's origin in a split, as ISO text or numbers, per series in order. */
  TreeMap<String, List<Long>> origins(Split split) {
    var origins = new TreeMap<String, List<Long>>();
    for (Segment segment : segments(split)) {
      for (int origin : segment.origins()) {
        origins
            .computeIfAbsent(segment.series(), s -> new ArrayList<>())
            .add(segment.times()[origin]);
      }
    }
    origins.values().forEach(list -> assertThat(list).isSorted().doesNotHaveDuplicates());
    return origins;
  }

  /** Value of a channel at each time of a split, each time once; equal where stored twice. */
  TreeMap<Long, Float> values(Split split, String series, String channel) {
    int c = manifest().contract().channels().indexOf(channel);
    var values = new TreeMap<Long, Float>();
    for (Segment segment : segments(split)) {
      if (segment.series().equals(series)) {
        for (int n = 0; n < segment.steps(); n++) {
          Float before = values.put(segment.times()[n], segment.values()[c][n]);
          assertThat(before == null || before.equals(segment.values()[c][n])).isTrue();
        }
      }
    }
    return values;
  }

  /** Every Parquet file of the dataset: its bytes, in Base64, by its path. */
  TreeMap<String, String> files() {
    try (var paths = Files.walk(dataset())) {
      var files = new TreeMap<String, String>();
      for (Path path : paths.filter(p -> p.toString().endsWith(".parquet")).toList()) {
        files.put(
            dataset().relativize(path).toString(),
            Base64.getEncoder().encodeToString(Files.readAllBytes(path)));
      }
      return files;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All rows of the dataset as text, sorted: what two builds must share. */
  List<String> rows() {
    return SparkExtension.session()
        .read()
        .option("pathGlobFilter", "*.parquet")
        .parquet(dataset().toString())
        .collectAsList()
        .stream()
        .map(Row::toString)
        .sorted()
        .toList();
  }

  /** The manifest without the time it was written. */
  String manifestWithoutCreatedAt() {
    return ManifestJson.write(
        ((com.fasterxml.jackson.databind.node.ObjectNode)
                ManifestJson.mapper().valueToTree(manifest()))
            .without("createdAt"));
  }

  /** Rejected rows as {@code reason | row}, sorted. */
  List<String> rejects() {
    return SparkExtension.session().read().parquet(dataset() + ".rejects").collectAsList().stream()
        .map(r -> r.getString(1) + " | " + r.getString(2))
        .sorted()
        .toList();
  }

  /** The n-th hour of 2024 as {@code 2024-01-01 00:00:00}. */
  static String hour(int n) {
    return Instant.parse("2024-01-01T00:00:00Z")
        .plusSeconds(3600L * n)
        .toString()
        .replace("T", " ")
        .replace("Z", "");
  }

  /** The n-th hour of 2024 in ticks. */
  static long tick(int n) {
    return Instant.parse("2024-01-01T00:00:00Z").plusSeconds(3600L * n).getEpochSecond()
        * 1_000_000L;
  }

  /** Hourly rows {@code time,load} with load = n, for hours of the year 2024. */
  static String[] hourly(int from, int to) {
    var rows = new ArrayList<String>();
    rows.add("time,load");
    for (int n = from; n < to; n++) {
      rows.add(hour(n) + "," + n);
    }
    return rows.toArray(String[]::new);
  }

  /** Hours as ticks. */
  static Long[] ticks(int from, int to) {
    return IntStream.range(from, to).mapToObj(Build::tick).toArray(Long[]::new);
  }

  static String[] append(String[] rows, String... more) {
    String[] all = Arrays.copyOf(rows, rows.length + more.length);
    System.arraycopy(more, 0, all, rows.length, more.length);
    return all;
  }
}
