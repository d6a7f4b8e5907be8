package io.sluice.scoring.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.Head;
import io.sluice.scoring.SparkExtension;
import io.sluice.scoring.batch.RawSeries.Gaps;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.dataset.TimeAxis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.apache.commons.io.FileUtils;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Raw data to predictions with a forecast of quantiles, scaled per series and normalised per
 * window.
 */
@ExtendWith(SparkExtension.class)
class BatchScorerTest {
  private static final String HEADER = "unit,time,load,flow";

  @TempDir static Path folder;
  private static SparkSession spark;
  private static ScoringLake lake;
  private static ModelBundle bundle;

  /** The known units a and b, the new one c, and one that is too short. */
  private static List<RawSeries> input;

  @BeforeAll
  static void publishModel(SparkSession session) {
    spark = session;
    lake =
        new ScoringLake(
            session,
            folder,
            "source.columns.series = unit",
            "source.extra-columns = fail",
            "resample { gap-policy = forward-fill, max-gap-steps = 3 }",
            "features.calendar = [hour-of-day, day-of-week]",
            "window { look-back = 8, horizon = 2 }",
            "scaling { scope = series, window = last }",
            "dataset.segment-steps = 16",
            "score.batch-size = 10");
    lake.write("raw.csv", HEADER, lines(List.of(waves("a", 0, 90), waves("b", 0, 90))));
    bundle =
        lake.publish(
            contract -> Head.quantiles(contract.targetSize(), List.of(0.1, 0.5, 0.9)), false);
    input =
        List.of(
            waves("a", 60, 60).without(0, 10, 12).without(0, 30, 38).without(1, 30, 38),
            waves("b", 80, 40).without(1, 20, 21),
            waves("c", 60, 30),
            waves("short", 90, 5));
    lake.write("new.csv", HEADER, lines(input));
  }

  @BeforeEach
  void forgetPredictions() throws IOException {
    FileUtils.deleteDirectory(folder.resolve("predictions").toFile());
  }

  @Test
  void everyPredictionIsThatOfThePredictorOnAWindowCutByHand() {
    WindowScoreReport report = lake.score("run-1", input("new.csv"));

    ExpectedRows expected = expected(at -> true);
    expected.assertEqualTo(table());
    assertThat(report.windows()).isEqualTo(expected.windows());
    assertThat(report.predictionsWritten()).isEqualTo(expected.rows());
    assertThat(report.series()).isEqualTo(3);
    assertThat(report.firstOrigin()).isEqualTo("2024-03-11T19:00:00Z");
    assertThat(report.lastOrigin()).isEqualTo("2024-03-13T23:00:00Z");
    assertThat(report.partitionsReplaced())
        .containsExactly("date=2024-03-11", "date=2024-03-12", "date=2024-03-13");
    // an origin for each step from the look-back on, in units a, b and c
    assertThat(report.windowsNotScored())
        .isEqualTo(Map.of("input-missing", 53L + 33 + 23 - expected.windows()));
    assertThat(report.seriesNotScored()).isEqualTo(Map.of("shorter-than-look-back", 1L));
    assertThat(report.seriesWithoutScaler()).isEqualTo(1);
    assertThat(report.rejectedRows()).isEmpty();
    assertThat(report.warnings())
        .containsExactly(
            "1 of 4 series have no prediction, shorter-than-look-back: short.",
            "1 of 3 series were not in the training data and have no scaler of their own; the one over all series was taken: c.");
  }

  @Test
  void everyRowNamesTheModelAndTheRun() {
    lake.score("run-1", input("new.csv"));

    List<Row> alike =
        table()
            .select("model", "model_name", "model_version", "bundle_hash", "run_id", "scored_at")
            .distinct()
            .selectExpr(
                "model",
                "model_name",
                "model_version",
                "bundle_hash",
                "run_id",
                "unix_micros(scored_at)")
            .collectAsList();
    assertThat(alike)
        .extracting(Row::toString)
        .containsExactly(
            "[pump,pump,1,%s,run-1,%d]"
                .formatted(
                    bundle.hash(),
                    PredictionsSchema.ticks(Instant.parse("2024-06-01T00:00:00.123456Z"))));
  }

  @Test
  void partitionsAndBatchesDoNotChangeARow() {
    lake.score("run-1", input("new.csv"), "score.partitions = 1");
    List<String> one = TestTable.lines(table().drop("run_id"));

    lake.score("run-2", input("new.csv"), "score.partitions = 5", "score.batch-size = 3");

    assertThat(TestTable.lines(table().drop("run_id"))).isEqualTo(one);
    assertThat(table().select("run_id").distinct().collectAsList())
        .extracting(row -> row.getString(0))
        .containsExactly("run-2");
  }

  @Test
  void aRerunOfADayReplacesThatDayAndTouchesNoOtherFile() throws IOException {
    lake.score("run-1", input("new.csv"));
    Map<String, String> before = files();

    WindowScoreReport report =
        lake.score(
            "run-2",
            input("new.csv"),
            "score.from = \"2024-03-12T00:00:00Z\"",
            "score.to = \"2024-03-12T23:30:00Z\"");

    assertThat(report.partitionsReplaced()).containsExactly("date=2024-03-12");
    assertThat(report.rowsKept()).isZero();
    expected(at -> true).assertEqualTo(table());
    assertThat(table().where("run_id = 'run-2'").select("date").distinct().collectAsList())
        .extracting(row -> row.get(0).toString())
        .containsExactly("2024-03-12");
    Map<String, String> after = files();
    before.keySet().removeIf(name -> name.contains("date=2024-03-12"));
    after.keySet().removeIf(name -> name.contains("date=2024-03-12"));
    assertThat(after).isEqualTo(before).isNotEmpty();
  }

  @Test
  void fromAndToBoundTheOriginsAndLeaveTheRestOfTheirDays() {
    Instant from = Instant.parse("2024-03-11T22:00:00Z");
    Instant to = Instant.parse("2024-03-12T03:00:00Z");
    String[] range = {"score.from = \"%s\"".formatted(from), "score.to = \"%s\"".formatted(to)};

    lake.score("run-1", input("new.csv"), range[0], range[1]);
    expected(at -> !at.isBefore(from) && !at.isAfter(to)).assertEqualTo(table());

    lake.score("run-2", input("new.csv"));
    WindowScoreReport report = lake.score("run-3", input("new.csv"), range[0], range[1]);
    expected(at -> true).assertEqualTo(table());
    assertThat(table().where("run_id = 'run-3'").count()).isEqualTo(report.predictionsWritten());
    assertThat(report.seriesNotScored())
        .isEqualTo(Map.of("outside-range", 1L, "shorter-than-look-back", 1L));
  }

  @Test
  void lastScoresTheNewestOriginOfEachSeries() {
    WindowScoreReport report = lake.score("run-1", input("new.csv"), "score.origins = last");

    assertThat(report.windows()).isEqualTo(3);
    assertThat(TestTable.lines(table().selectExpr("series", "unix_micros(origin)").distinct()))
        .containsExactly(
            "[a,%d]".formatted(tick("2024-03-13T23:00:00Z")),
            "[b,%d]".formatted(tick("2024-03-13T23:00:00Z")),
            "[c,%d]".formatted(tick("2024-03-12T17:00:00Z")));
  }

  @Test
  void rejectedRowsAreKeptWithTheirReason() {
    List<String> lines = lines(input);
    lines.set(3, lines.get(3).replace("2024", "20x4"));
    lines.add("a,2031-01-01T00:00:00Z,1,2");
    lake.write("bad.csv", HEADER, lines);

    WindowScoreReport report = lake.score("run-1", input("bad.csv"), "reject.max-share = 0.05");

    assertThat(report.rejectedRows())
        .isEqualTo(Map.of("time-unparsable", 1L, "time-in-future", 1L));
    assertThat(report.rejects()).isEqualTo(folder + "/runs/pump/score-rejects");
    assertThat(report.rawRows()).isEqualTo(lines.size());
    assertThat(
            spark.read().parquet(report.rejects()).select("reason", "row").collectAsList().stream()
                .map(row -> row.getString(0) + " " + row.getString(1)))
        .containsExactlyInAnyOrder(
            "time-unparsable {\"unit\":\"a\",\"time\":\"20x4-03-11T15:00:00Z\",\"load\":\"%s\",\"flow\":\"%s\"}"
                .formatted(lines.get(3).split(",")[2], lines.get(3).split(",")[3]),
            "time-in-future {\"unit\":\"a\",\"time\":\"2031-01-01T00:00:00Z\",\"load\":\"1\",\"flow\":\"2\"}");
  }

  @Test
  void tooManyRejectedRowsPublishNothing() {
    lake.score("run-1", input("new.csv"));
    List<String> before = TestTable.lines(table());
    List<String> lines = lines(List.of(waves("a", 60, 20)));
    lines.set(0, ",,,");
    lake.write("bad.csv", HEADER, lines);

    assertThatThrownBy(() -> lake.score("run-2", input("bad.csv")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "score.input %1$s/bad.csv: 1 of 20 rows cannot be used (5.00 %%), more than reject.max-share = 0.01. Reasons: series-missing 1. The rows are in %1$s/runs/pump/score-rejects; correct the data or the settings of source."
                .formatted(folder));
    assertThat(TestTable.lines(table())).isEqualTo(before);
    assertThat(new TestTable(spark, folder.resolve("predictions")).leftovers()).isEmpty();
    assertThat(spark.read().parquet(folder + "/runs/pump/score-rejects").count()).isEqualTo(1);
  }

  @Test
  void readingsFurtherApartThanTheGridAreReported() {
    var sparse = waves("a", 60, 60);
    for (int n = 0; n < 60; n++) {
      if (n % 3 != 0) {
        sparse.without(0, n, n + 1).without(1, n, n + 1);
      }
    }
    lake.write("sparse.csv", HEADER, lines(List.of(sparse)));

    WindowScoreReport report = lake.score("run-1", input("sparse.csv"));

    assertThat(report.warnings())
        .containsExactly(
            "The readings are about PT3H apart, the model's step is PT1H: what lies between was filled or is missing. Give data at the interval the model was trained on.");
  }

  @Test
  void tableAndReportKeepTheirContracts() throws IOException {
    WindowScoreReport report = lake.score("run-1", input("new.csv"));

    PredictionsContract.assertKept(spark, folder.resolve("predictions"), TimeAxis.Type.TIMESTAMP);
    var problems =
        JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
            .getSchema(
                Files.readString(
                    Path.of(System.getenv("SLUICE_ROOT"), "data-schemas/score-report.v1.json")))
            .validate(new ObjectMapper().valueToTree(report));
    assertThat(problems).isEmpty();
  }

  @Test
  void aDateLiesInOneFile() throws IOException {
    lake.score("run-1", input("new.csv"), "score.partitions = 5");

    var filesByDate = new HashMap<String, Integer>();
    files().keySet().forEach(f -> filesByDate.merge(f.replaceAll("/[^/]*$", ""), 1, Integer::sum));
    assertThat(filesByDate)
        .isEqualTo(
            Map.of(
                "model=pump/date=2024-03-11", 1,
                "model=pump/date=2024-03-12", 1,
                "model=pump/date=2024-03-13", 1));
  }

  private static String input(String name) {
    return "score.input = \"%s\"".formatted(folder.resolve(name));
  }

  private static ExpectedRows expected(Predicate<Instant> isWanted) {
    return ExpectedRows.of(bundle, input, Gaps.FORWARD_FILL, 0.8, isWanted);
  }

  private static Dataset<Row> table() {
    return lake.predictions().read(spark);
  }

  private static RawSeries waves(String name, int firstStep, int steps) {
    return RawSeries.waves(name, firstStep, steps);
  }

  private static List<String> lines(List<RawSeries> series) {
    var lines = new ArrayList<String>();
    series.forEach(s -> lines.addAll(s.wide(false)));
    return lines;
  }

  private static long tick(String instant) {
    return PredictionsSchema.ticks(Instant.parse(instant));
  }

  /** Content of each Parquet file of the table, by path. */
  private static Map<String, String> files() throws IOException {
    Path root = folder.resolve("predictions");
    var files = new TreeMap<String, String>();
    try (Stream<Path> paths = Files.walk(root)) {
      for (Path path : paths.filter(p -> p.toString().endsWith(".parquet")).toList()) {
        files.put(
            root.relativize(path).toString(), HexFormat.of().formatHex(Files.readAllBytes(path)));
      }
    }
    return files;
  }
}
