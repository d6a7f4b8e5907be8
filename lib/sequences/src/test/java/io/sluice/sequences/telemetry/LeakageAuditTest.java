package io.sluice.sequences.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.SparkExtension;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.dataset.Scaler;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Audit;
import io.sluice.sequences.dataset.SequenceManifest.Check;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.telemetry.audit.LeakageAudit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The audit finds leakage that a build would never make: in datasets changed after the build. */
class LeakageAuditTest {
  private static final RawPlant PLANT = RawPlant.hourly(11, 2, 120);

  @TempDir static Path shared;
  private static Build build;

  @TempDir Path folder;
  private Path dataset;

  @BeforeAll
  static void buildOnce() {
    build = Build.of(PLANT, shared).with("dataset.period = 1 day, dataset.segment-steps = 12");
    build.run();
  }

  @BeforeEach
  void copy() throws IOException {
    dataset = folder.resolve("copy");
    try (var paths = Files.walk(build.dataset())) {
      for (Path path : paths.toList()) {
        // without Hadoop's checksum files: a careful forger would write new ones
        if (!path.toString().endsWith(".crc")) {
          Files.copy(path, dataset.resolve(build.dataset().relativize(path).toString()));
        }
      }
    }
  }

  @Test
  void passesADatasetThatIsAsItWasBuilt() {
    assertThat(audit()).isEqualTo(build.manifest().audit());
    assertThat(audit().passed()).isTrue();
    assertThat(audit().checks())
        .extracting(Check::name)
        .containsExactly(
            "targets-disjoint", "inputs-overlap", "scalers-train-only", "steps-agree", "counts");
  }

  @Test
  void findsTrainSegmentsMovedToTheTestSplit() throws IOException {
    String from = "split=train/period=2024-01-05/part-00000.parquet";
    String to = from.replace("train", "test");
    Files.createDirectories(dataset.resolve(to).getParent());
    Files.move(dataset.resolve(from), dataset.resolve(to));
    editManifest(
        manifest ->
            manifest
                .withArray("/parts")
                .forEach(
                    part -> {
                      if (part.get("path").asText().equals(from)) {
                        ((ObjectNode) part).put("path", to).put("split", "test");
                      }
                    }));

    assertThat(failed(audit()))
        .contains("targets-disjoint", "inputs-overlap", "scalers-train-only")
        .doesNotContain("counts");
    assertThat(finding(audit(), "targets-disjoint"))
        .startsWith("series p1: ")
        .contains("test")
        .contains(" target steps");
  }

  @Test
  void findsAScalerThatWasAltered() throws IOException {
    Scaler own = build.manifest().contract().scaling().global().get("flow");
    setScaler("flow", new Scaler(own.center() + 0.01, own.scale(), own.rows()));

    assertThat(failed(audit())).containsExactly("scalers-train-only");
    assertThat(finding(audit(), "scalers-train-only"))
        .startsWith(
            "channel flow: center %s and scale %s, a refit gives "
                .formatted(own.center() + 0.01, own.scale()));
  }

  @Test
  void findsAScalerThatSawTestRows() throws IOException {
    var values = new ArrayList<Float>();
    for (Split split : Split.values()) {
      for (String series : List.of("p1", "p2")) {
        values.addAll(build.values(split, series, "temp").values());
      }
    }
    values.removeIf(v -> v.isNaN());
    double mean = values.stream().mapToDouble(v -> v).average().orElseThrow();
    double deviation =
        Math.sqrt(
            values.stream().mapToDouble(v -> (v - mean) * (v - mean)).average().orElseThrow());
    long trainRows = build.manifest().contract().scaling().global().get("temp").rows();

    setScaler("temp", new Scaler(mean, deviation, values.size()));
    assertThat(finding(audit(), "scalers-train-only"))
        .isEqualTo(
            "channel temp: fitted on %d rows, the train split has %d"
                .formatted(values.size(), trainRows));

    // nor does it help to claim the right number of rows
    setScaler("temp", new Scaler(mean, deviation, trainRows));
    assertThat(failed(audit())).containsExactly("scalers-train-only");
  }

  @Test
  void findsAStepThatTwoSegmentsRememberDifferently() throws IOException {
    // the last steps of a segment are the first of the next
    rewrite(
        "split=train/period=2024-01-05/part-00000.parquet",
        "select series, segment, time, flow + 1 as flow, pressure, temp, origin from part");

    assertThat(failed(audit())).contains("steps-agree", "scalers-train-only");
    assertThat(finding(audit(), "steps-agree")).matches("channel flow differs at \\d+ steps");
  }

  @Test
  void findsRowsThatAreGone() throws IOException {
    String path = "split=test/period=2024-01-07/part-00000.parquet";
    SequenceManifest.Part part =
        build.manifest().parts().stream().filter(p -> p.path().equals(path)).findFirst().get();
    rewrite(path, "select * from part where not (series = 'p2' and origin)");

    assertThat(finding(audit(), "counts"))
        .startsWith(path + " holds ")
        .endsWith(
            "the manifest says %d segments, %d steps, %d windows"
                .formatted(part.segments(), part.steps(), part.windows()));
  }

  @Test
  void findsASegmentWithAHole() throws IOException {
    rewrite(
        "split=test/period=2024-01-07/part-00000.parquet",
        "select series, segment,"
            + " if(time = max(time) over (partition by series, segment), time + interval 1 day, time)"
            + " as time, flow, pressure, temp, origin from part");

    assertThat(finding(audit(), "counts"))
        .matches("segment \\d+ of series p[12] in test has \\d+ rows over \\d+ steps.*");
  }

  @Test
  void findsASeriesInTwoSplitsWhereTheSplitIsBySeries() throws IOException {
    editManifest(manifest -> ((ObjectNode) manifest.get("splitBounds")).put("by", "series"));

    assertThat(finding(audit(), "series-whole"))
        .isEqualTo("series p1 is in train and validation (and 3 more)");
  }

  /** What training opens a dataset with. */
  @Test
  void aDatasetWhoseAuditFailedIsRefused() throws IOException {
    Scaler own = build.manifest().contract().scaling().global().get("flow");
    setScaler("flow", new Scaler(own.center(), own.scale(), own.rows() + 1));
    Audit audit = audit();
    editManifest(manifest -> manifest.set("audit", ManifestJson.mapper().valueToTree(audit)));

    assertThatThrownBy(() -> open().requireAudit())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "%s failed its leakage audit: scalers-train-only: channel flow: fitted on %d rows, the train split has %d. Change split or scaling and rebuild it with build-sequences."
                .formatted(dataset, own.rows() + 1, own.rows()));
  }

  @Test
  void aScalerEditedAfterThePassedAuditIsRefused() throws IOException {
    open().requireAudit();
    Scaler own = build.manifest().contract().scaling().global().get("flow");
    setScaler("flow", new Scaler(own.center() + 1, own.scale(), own.rows()));

    assertThatThrownBy(() -> open().requireAudit())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "%s/manifest.json was changed after its leakage audit: its seal is not that of its content. Build the dataset again, in full, with build-sequences."
                .formatted(dataset));
  }

  private Audit audit() {
    return LeakageAudit.of(SparkExtension.session(), dataset.toString(), open().manifest());
  }

  private SequenceDataset open() {
    return SequenceDataset.open(dataset.toString(), new Configuration());
  }

  private static List<String> failed(Audit audit) {
    assertThat(audit.passed()).isFalse();
    return audit.checks().stream()
        .filter(check -> !check.passed())
        .map(Check::name)
        .collect(Collectors.toList());
  }

  private static String finding(Audit audit, String name) {
    assertThat(failed(audit)).contains(name);
    return audit.checks().stream()
        .filter(check -> check.name().equals(name))
        .map(Check::finding)
        .findFirst()
        .orElseThrow();
  }

  private void setScaler(String channel, Scaler scaler) throws IOException {
    editManifest(
        manifest ->
            ((ObjectNode) manifest.at("/contract/scaling/global"))
                .set(channel, ManifestJson.mapper().valueToTree(scaler)));
  }

  private void editManifest(Consumer<ObjectNode> edit) throws IOException {
    Path file = dataset.resolve(SequenceManifest.FILE_NAME);
    var manifest = (ObjectNode) ManifestJson.mapper().readTree(Files.readString(file));
    edit.accept(manifest);
    Files.writeString(file, ManifestJson.write(manifest));
  }

  /** Replaces a part by what a query over it gives. */
  private void rewrite(String part, String sql) throws IOException {
    SparkSession spark = SparkExtension.session();
    Path file = dataset.resolve(part);
    spark.read().parquet(file.toString()).createOrReplaceTempView("part");
    Path written = folder.resolve("rewritten");
    spark.sql(sql).coalesce(1).write().parquet(written.toString());
    try (var files = Files.list(written)) {
      Path only =
          files.filter(p -> p.getFileName().toString().endsWith(".parquet")).findFirst().get();
      Files.move(only, file, StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
