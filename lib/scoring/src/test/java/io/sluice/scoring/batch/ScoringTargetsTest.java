package io.sluice.scoring.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.config.InvalidConfigException;
import io.sluice.failure.ExitStatus;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.Head;
import io.sluice.scoring.SparkExtension;
import io.sluice.scoring.batch.RawSeries.Gaps;
import io.sluice.scoring.bundle.AlarmThreshold;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.dataset.TimeAxis;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Every kind of target from raw data to rows, each with other ways of preparing data. */
@ExtendWith(SparkExtension.class)
class ScoringTargetsTest {
  private static final String HEADER = "unit,time,load,flow";
  private static final String REJECTS = "reject.max-share = 0.02";

  @TempDir Path folder;

  @Test
  void aMeanForecastWithAPlanKnownAhead(SparkSession spark) {
    var lake =
        new ScoringLake(
            spark,
            folder,
            "source.columns.series = unit",
            "resample.gap-policy = cut",
            "features { known-future = [flow], calendar = [month] }",
            "target.channels = [load]",
            "window { look-back = 6, horizon = 3 }",
            "scaling { method = min-max, window = mean }");
    lake.write("raw.csv", HEADER, wide(List.of(RawSeries.waves("a", 0, 60)), false));
    ModelBundle bundle = lake.publish(contract -> Head.regression(3), true);
    // the plan reaches three steps further than the load
    List<RawSeries> input =
        List.of(
            RawSeries.waves("a", 60, 30).without(0, 12, 13).without(0, 27, 30),
            RawSeries.waves("b", 60, 20));
    lake.write("new.csv", HEADER, wide(input, false));

    WindowScoreReport report =
        lake.score("run-1", input("new.csv"), "score.interval = 0.5", "score.batch-size = 4");

    ExpectedRows expected = ExpectedRows.of(bundle, input, Gaps.KEPT, 0.5, at -> true);
    expected.assertEqualTo(lake.predictions().read(spark));
    assertThat(report.windows()).isEqualTo(expected.windows()).isEqualTo(7 + 9 + 12);
  }

  @Test
  void classesOfAWideTableThatStillHasItsLabel(SparkSession spark) {
    var lake =
        new ScoringLake(
            spark,
            folder,
            "source { columns.series = unit, extra-columns = fail }",
            "target { type = class, label = state }",
            "window { look-back = 6, horizon = 0 }",
            "scaling.method = robust");
    lake.write("raw.csv", HEADER + ",state", labelled(List.of(RawSeries.waves("a", 0, 60))));
    ModelBundle bundle = lake.publish(contract -> Head.classes(3, List.of()), false);
    List<RawSeries> input = List.of(RawSeries.waves("a", 60, 20), RawSeries.waves("b", 60, 12));
    lake.write("new.csv", HEADER + ",state", labelled(input));

    WindowScoreReport report = lake.score("run-1", input("new.csv"));

    assertThat(bundle.contract().target().classes()).containsExactly("idle", "run", "stop");
    ExpectedRows expected = ExpectedRows.of(bundle, input, Gaps.FORWARD_FILL, 0.8, at -> true);
    expected.assertEqualTo(lake.predictions().read(spark));
    assertThat(report.windows()).isEqualTo(15 + 7);
    assertThat(report.predictionsWritten()).isEqualTo(15 + 7);
    assertThatThrownBy(() -> lake.score("run-2", input("new.csv"), "score.threshold = 0.3"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "score.threshold: must be auto for a model of 3 classes, because a threshold decides between two classes, but is 0.3");
  }

  @Test
  void eventsOfALongTableWithMasks(SparkSession spark) throws Exception {
    var lake =
        new ScoringLake(
            spark,
            folder,
            "source { layout = long, columns { series = unit, quality = quality } }",
            "resample { gap-policy = mask, max-gap-steps = 3 }",
            "features { masks = true, time-since-last = true }",
            "target { type = event, events-path = \"%s\", events-format = csv, lead-time = 5 hours, recovery = 2 hours }"
                .formatted(folder.resolve("events.csv")),
            "window { look-back = 6, horizon = 0 }",
            "dataset.segment-steps = 16");
    String header = "unit,time,tag,value,quality";
    RawSeries training = RawSeries.waves("a", 0, 90);
    lake.write("raw.csv", header, training.tall());
    lake.write(
        "events.csv", "unit,time", List.of("a," + training.time(30), "a," + training.time(70)));
    ModelBundle bundle = lake.publish(contract -> Head.classes(2, List.of()), false);
    RawSeries input =
        RawSeries.waves("a", 90, 40).without(0, 5, 7).without(0, 20, 29).without(1, 20, 29);
    List<String> lines = new ArrayList<>(input.tall());
    lines.add("a,%s,load,1e9,bad".formatted(input.time(5)));
    lake.write("new.csv", header, lines);

    WindowScoreReport report = lake.score("run-1", input("new.csv"), REJECTS);

    ExpectedRows expected = ExpectedRows.of(bundle, List.of(input), Gaps.KEPT, 0.8, at -> true);
    expected.assertEqualTo(lake.predictions().read(spark));
    assertThat(report.windows()).isEqualTo(expected.windows());
    // origins 25 to 28 look back on nothing
    assertThat(report.windowsNotScored()).isEqualTo(Map.of("nothing-observed", 4L));
    assertThat(report.rejectedRows()).isEqualTo(Map.of("bad-quality", 1L));
    assertThat(report.observedShare()).isBetween(0.5, 0.99);
    PredictionsContract.assertKept(spark, folder.resolve("predictions"), TimeAxis.Type.TIMESTAMP);
    assertThat(report.threshold()).as("without a published one").isEqualTo(0.5);

    alarmsFromAThreshold(spark, lake, bundle, List.of(input));

    lines.removeIf(line -> line.contains(",flow,"));
    lake.write("half.csv", header, lines);
    assertThatThrownBy(() -> lake.score("run-2", input("half.csv"), "reject.max-share = 0.05"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "score.input %s/half.csv has no reading of [flow], which the model takes as input. Give data with these channels, or train a model without them."
                .formatted(folder));
    assertThat(lake.predictions().read(spark).where("run_id = 'run-2'").count()).isZero();
  }

  /** The bundle's threshold decides, and a given one before it; the report counts what it did. */
  private void alarmsFromAThreshold(
      SparkSession spark, ScoringLake lake, ModelBundle likelier, List<RawSeries> input) {
    List<Float> probabilities =
        lake.predictions()
            .read(spark)
            .selectExpr("class_probabilities[1] AS p")
            .orderBy("p")
            .as(Encoders.FLOAT())
            .collectAsList();
    int half = probabilities.size() / 2;
    float between = (probabilities.get(half - 1) + probabilities.get(half)) / 2;
    ModelBundle bundle = lake.publish(new AlarmThreshold(between, 0.1, 0.8, 0.1, 70));

    WindowScoreReport report = lake.score("run-alarms", input("new.csv"), REJECTS);

    ExpectedRows.of(bundle, input, Gaps.KEPT, 0.8, at -> true)
        .assertEqualTo(lake.predictions().read(spark));
    List<String> classes = likelier.contract().target().classes();
    assertThat(report.threshold()).isEqualTo(between);
    assertThat(report.predictedClasses())
        .isEqualTo(
            Map.of(
                classes.get(0), (long) half, classes.get(1), (long) probabilities.size() - half));
    WindowScoreReport all = lake.score("run-all", input("new.csv"), REJECTS, "score.threshold = 0");
    assertThat(all.predictedClasses())
        .isEqualTo(Map.of(classes.get(1), (long) probabilities.size()));
  }

  @Test
  void remainingLifeByCycle(SparkSession spark) throws Exception {
    var lake =
        new ScoringLake(
            spark,
            folder,
            "source { columns.series = unit, time.type = ordinal }",
            "resample { gap-policy = interpolate, max-gap-steps = 3 }",
            "target { type = remaining-life, remaining-life-cap = 20 }",
            "window { look-back = 6, horizon = 0 }");
    lake.write(
        "raw.csv",
        HEADER,
        wide(List.of(RawSeries.waves("a", 1, 60), RawSeries.waves("b", 1, 50)), true));
    ModelBundle bundle = lake.publish(contract -> Head.regression(1), true);
    // the second unit's cycles lie on either side of a block of 100,000
    List<RawSeries> input =
        List.of(
            RawSeries.waves("c", 1, 30).without(0, 10, 12).without(1, 15, 20),
            RawSeries.waves("d", 99_990, 20));
    lake.write("new.csv", HEADER, wide(input, true));

    WindowScoreReport report = lake.score("run-1", input("new.csv"));

    ExpectedRows expected = ExpectedRows.of(bundle, input, Gaps.INTERPOLATE, 0.8, at -> true);
    expected.assertEqualTo(lake.predictions().read(spark));
    assertThat(report.windows()).isEqualTo(expected.windows());
    assertThat(report.partitionsReplaced()).containsExactly("date=0000000000", "date=0000000001");
    assertThat(report.lastOrigin()).isEqualTo("100009");
    PredictionsContract.assertKept(spark, folder.resolve("predictions"), TimeAxis.Type.ORDINAL);

    assertThatThrownBy(
            () -> lake.score("run-2", input("new.csv"), "score.from = \"2024-01-01T00:00:00Z\""))
        .isInstanceOfSatisfying(
            InvalidConfigException.class,
            e -> assertThat(e.exitStatus()).isEqualTo(ExitStatus.BAD_SETTINGS))
        .hasMessageContaining(
            "score.from: must be null for a model whose time is a cycle number, but is 2024-01-01T00:00:00Z");
    assertThatThrownBy(() -> lake.score("run-2", input("new.csv"), "score.threshold = 0.3"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "score.threshold: must be auto for a model without classes, because a threshold decides between two classes, but is 0.3");
  }

  private String input(String name) {
    return "score.input = \"%s\"".formatted(folder.resolve(name));
  }

  private static List<String> wide(List<RawSeries> series, boolean ordinal) {
    var lines = new ArrayList<String>();
    series.forEach(s -> lines.addAll(s.wide(ordinal)));
    return lines;
  }

  private static List<String> labelled(List<RawSeries> series) {
    List<String> lines = wide(series, false);
    for (int i = 0; i < lines.size(); i++) {
      lines.set(i, lines.get(i) + "," + List.of("run", "idle", "stop").get(i / 4 % 3));
    }
    return lines;
  }
}
