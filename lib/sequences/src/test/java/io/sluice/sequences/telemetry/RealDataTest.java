package io.sluice.sequences.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.sequences.SparkExtension;
import io.sluice.sequences.dataset.Scaler;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.Split;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ready examples in conf/, over the raw files as they are; counts are computed by hand. */
class RealDataTest {
  @TempDir Path folder;

  private record Built(BuildReport report, SequenceManifest manifest, SequenceDataset dataset) {}

  private static Path data(String below) {
    String root = System.getenv().getOrDefault("SLUICE_ROOT", "../..");
    String data =
        System.getenv().getOrDefault("SLUICE_DATA", Path.of(root, "../shared/data").toString());
    Path path = Path.of(data, below);
    assumeTrue(Files.exists(path), () -> path + " is not there: set SLUICE_DATA to run this test");
    return path.toAbsolutePath().normalize();
  }

  private Built build(String conf, String... overrides) {
    Path file = Path.of(System.getenv().getOrDefault("SLUICE_ROOT", "../.."), "conf", conf);
    var all = new java.util.ArrayList<>(List.of(overrides));
    all.add("lake.root=\"%s\"".formatted(folder));
    SequenceSettings settings = Settings.load(file, all).read(SequenceSettings::from);
    BuildReport report =
        SequenceBuilder.build(
            SparkExtension.session(),
            settings,
            new Provenance("run", "test", "hash", java.time.Instant.parse("2024-06-01T00:00:00Z")));
    SequenceDataset dataset = SequenceDataset.open(report.dataset(), new Configuration());
    return new Built(report, dataset.requireAudit().manifest(), dataset);
  }

  /** ETT: train [0, 8640), validation and test 2,880 each, look-back 96 as context, horizon 24. */
  @Test
  void etth1HasTheWindowsOfThePublishedProtocol() throws IOException {
    Path csv = data("ett/ETTh1.csv");

    Built built = build("etth1-24h.conf", "source.path=\"%s\"".formatted(csv));

    var splits = built.manifest().splits();
    assertThat(splits.get("train").windows()).isEqualTo(8640 - 96 - 24 + 1);
    assertThat(splits.get("validation").windows()).isEqualTo(2880 - 24 + 1);
    assertThat(splits.get("test").windows()).isEqualTo(2880 - 24 + 1);
    assertThat(built.report().rawRows()).isEqualTo(17_420);
    assertThat(built.report().rejectedRows()).isEmpty();
    // scikit-learn's StandardScaler on the first 8,640 rows, in double, from the file itself
    List<String> lines = Files.readAllLines(csv).subList(1, 8641);
    List<String> channels = List.of(Files.readAllLines(csv).get(0).split(",")).subList(1, 8);
    assertThat(built.manifest().contract().channels()).isEqualTo(channels);
    for (int c = 0; c < channels.size(); c++) {
      int column = c + 1;
      double mean =
          lines.stream()
              .mapToDouble(l -> Double.parseDouble(l.split(",")[column]))
              .average()
              .orElseThrow();
      double variance =
          lines.stream()
              .mapToDouble(l -> Math.pow(Double.parseDouble(l.split(",")[column]) - mean, 2))
              .average()
              .orElseThrow();
      Scaler scaler = built.manifest().contract().scaling().global().get(channels.get(c));
      assertThat(scaler.rows()).isEqualTo(8640);
      // stored as float32: 6e-8 relative a value
      assertThat(scaler.center()).isCloseTo(mean, within(1e-5));
      assertThat(scaler.scale()).isCloseTo(Math.sqrt(variance), within(1e-5));
    }
  }

  /**
   * SKAB: 37,401 rows in 34 files; each test row (37,401 − 34 · 400 = 23,801) is one window. A
   * train row is one if it lies at least 59 s after the first of its file: those are counted below,
   * from the files.
   */
  @Test
  void skabHasOneWindowForEachTestRow() throws IOException {
    Path skab = data("skab");
    long rows = 0;
    long trainWindows = 0;
    for (String folder : List.of("other", "valve1", "valve2")) {
      try (var files = Files.list(skab.resolve(folder))) {
        for (Path file : files.toList()) {
          List<Long> seconds = seconds(file);
          rows += seconds.size();
          trainWindows +=
              seconds.subList(0, 400).stream().filter(s -> s - seconds.get(0) >= 59).count();
        }
      }
    }

    Built built =
        build("skab.conf", "source.path=\"%s/{other,valve1,valve2}/*.csv\"".formatted(skab));

    assertThat(rows).isEqualTo(37_401);
    assertThat(built.report().rawRows()).isEqualTo(37_401);
    assertThat(built.report().series()).isEqualTo(34);
    var splits = built.manifest().splits();
    assertThat(splits.get("test").windows()).isEqualTo(23_801);
    assertThat(splits.get("train").windows()).isEqualTo(trainWindows);
    assertThat(splits.get("validation").windows()).isZero();
    assertThat(built.manifest().contract().target().classes()).containsExactly("0", "1");
    assertThat(built.manifest().contract().scaling().bySeries())
        .hasSize(34)
        .containsKeys("other/1", "valve1/3", "valve2/0");
    // README of the data: 12,771 of the test rows are anomalous
    long anomalous = 0;
    for (var part : built.dataset().parts(Split.TEST)) {
      var segments = built.dataset().segments(part);
      while (segments.hasNext()) {
        Segment segment = segments.next();
        for (int origin : segment.origins()) {
          anomalous += segment.label()[origin] == 1 ? 1 : 0;
        }
      }
    }
    assertThat(anomalous).isEqualTo(12_771);
  }

  private static List<Long> seconds(Path file) throws IOException {
    return Files.readAllLines(file).stream()
        .skip(1)
        .map(line -> line.split(";")[0].replace(' ', 'T') + "Z")
        .map(text -> Instant.parse(text).getEpochSecond())
        .toList();
  }

  /**
   * C-MAPSS FD001: an engine of n cycles gives n − 29 windows: 20,631 − 2,900 = 17,731 over the 100
   * train engines, 13,096 − 2,900 = 10,196 over the 100 test engines, none of which is shorter.
   */
  @Test
  void cmapssHasAWindowAtTheLastCycleOfEachTestEngine() throws IOException {
    Path cmapss = data("cmapss_fd001");

    Built built =
        build(
            "cmapss-fd001.conf",
            "source.path=\"%s/train_FD001.txt\"".formatted(cmapss),
            "source.test-path=\"%s/test_FD001.txt\"".formatted(cmapss),
            "target.remaining-at-end-path=\"%s/RUL_FD001.txt\"".formatted(cmapss));

    var splits = built.manifest().splits();
    assertThat(splits.get("train").windows() + splits.get("validation").windows())
        .isEqualTo(20_631 - 100 * 29);
    assertThat(splits.get("train").series()).isEqualTo(80);
    assertThat(splits.get("validation").series()).isEqualTo(20);
    assertThat(splits.get("test").series()).isEqualTo(100);
    assertThat(splits.get("test").windows()).isEqualTo(13_096 - 100 * 29);
    var lastLabel = new TreeMap<String, Float>();
    for (var part : built.dataset().parts(Split.TEST)) {
      built
          .dataset()
          .segments(part)
          .forEachRemaining(
              segment -> {
                int newest = segment.origins()[segment.windows() - 1];
                lastLabel.put(segment.series(), segment.label()[newest]);
              });
    }
    List<String> remaining = Files.readAllLines(cmapss.resolve("RUL_FD001.txt"));
    for (int engine = 1; engine <= 100; engine++) {
      float left = Float.parseFloat(remaining.get(engine - 1).strip());
      assertThat(lastLabel.get("test/" + engine)).isEqualTo(Math.min(left, 125));
    }
    // a train engine's life ends with its record
    for (var part : built.dataset().parts(Split.TRAIN)) {
      built
          .dataset()
          .segments(part)
          .forEachRemaining(
              segment -> assertThat(segment.label()[segment.steps() - 1]).isBetween(0f, 125f));
    }
  }
}
