package io.sluice.sequences.simulation;

import static org.apache.spark.sql.functions.expr;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.SparkExtension;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.schema.Type;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructField;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@ExtendWith(SparkExtension.class)
class PlantSimulatorTest {
  @TempDir Path folder;

  @Test
  void tablesAreEqualWhateverThePartitions(SparkSession spark) {
    for (PlantTable table : PlantTable.values()) {
      var one =
          PlantSimulator.table(
              spark, settings("simulate.partitions=1", "simulate.interval=1 hour"), table);
      var seven =
          PlantSimulator.table(
              spark, settings("simulate.partitions=7", "simulate.interval=1 hour"), table);

      assertThat(one.rdd().getNumPartitions()).isEqualTo(1);
      assertThat(seven.rdd().getNumPartitions()).isEqualTo(7);
      assertThat(one.exceptAll(seven).count()).as("%s", table).isZero();
      assertThat(seven.exceptAll(one).count()).as("%s", table).isZero();
      assertThat(one.count()).isPositive();
    }
  }

  @Test
  void reportCountsWhatWasWritten(SparkSession spark) {
    SimulationSettings settings = settings("simulate.days=60", "simulate.interval=1 hour");

    SimulationReport report = PlantSimulator.write(spark, settings);

    for (Map.Entry<String, String> path : report.paths().entrySet()) {
      Dataset<Row> table = spark.read().parquet(path.getValue());
      assertThat(table.count()).isEqualTo(report.rows().get(path.getKey()));
    }
    Dataset<Row> events = spark.read().parquet(report.paths().get("events"));
    assertThat(report.failures()).isPositive().isEqualTo(events.filter("type = 'failure'").count());
    assertThat(report.units())
        .isEqualTo(Map.of("pump", 2L, "motor", 2L, "valve", 2L, "heat-exchanger", 1L));
    assertThat(report.firstTime()).matches("(2023-12-31T23:5|2024-01-01T00:0).*").endsWith("Z");
    assertThat(report.lastTime()).matches("2024-02-29T2[23]:.*");
  }

  @Test
  void historianAndWideTableHoldTheSameReadings(SparkSession spark) {
    SimulationSettings settings =
        settings("simulate.days=20", "simulate.interval=1 hour", "simulate.missing-share=0.05");
    String pairs =
        Channel.labels().stream().map("'%1$s', %1$s"::formatted).collect(Collectors.joining(", "));
    Dataset<Row> melted =
        PlantSimulator.table(spark, settings, PlantTable.WIDE)
            .selectExpr(
                "unit", "time", "stack(%d, %s) AS (tag, value)".formatted(Channel.COUNT, pairs))
            .filter("value IS NOT NULL")
            .select("unit", "tag", "time", "value")
            .distinct();
    Dataset<Row> good =
        PlantSimulator.table(spark, settings, PlantTable.HISTORIAN)
            .filter("quality = 'good'")
            .select("unit", "tag", "time", "value")
            .distinct();

    assertThat(melted.count()).isEqualTo(good.count());
    assertThat(melted.except(good).count()).isZero();
  }

  @Test
  void defectsComeAtAboutTheSharesAskedFor(SparkSession spark) {
    SimulationSettings settings =
        settings(
            "simulate.days=240",
            "simulate.interval=1 hour",
            "simulate.late-share=0.05",
            "simulate.duplicate-share=0.03",
            "simulate.missing-share=0.04",
            "simulate.bad-quality-share=0.02",
            "simulate.gaps-per-month=6");
    double readings = settings.units() * settings.scans() * (double) Channel.COUNT;

    Dataset<Row> historian =
        PlantSimulator.table(spark, settings, PlantTable.HISTORIAN)
            .withColumn("delay", expr("unix_millis(arrival) - unix_millis(time)"))
            .cache();
    double rows = historian.count();
    double distinct = historian.select("unit", "tag", "time").distinct().count();
    double scans = historian.select("unit", "time").distinct().count();

    // gaps: 6 a month; of one, hours lost are Σ e^(−k/2), k = 0 … 5: exponential, mean 2, cut at 6
    double hoursLost = (1 - Math.exp(-3)) / (1 - Math.exp(-0.5));
    assertThat(1 - scans / (settings.units() * settings.scans()))
        .isCloseTo(6 * hoursLost / 720, within(0.005));
    assertThat(1 - distinct / (scans * Channel.COUNT)).isCloseTo(0.04, within(0.004));
    assertThat(rows / distinct - 1).isCloseTo(0.03, within(0.004));
    assertThat(historian.filter("quality = 'bad'").count() / rows).isCloseTo(0.02, within(0.003));
    assertThat(historian.filter("delay > 3600000").count() / rows).isCloseTo(0.05, within(0.006));
    assertThat(historian.filter("delay < 1000 OR delay > 12 * 3600000 + 61000").count()).isZero();
    assertThat(distinct).isLessThan(readings);
    historian.unpersist();
  }

  @Test
  void rowsOfAFileAreInOrderOfArrivalAndNotOfTime(SparkSession spark) {
    List<Row> rows =
        PlantSimulator.table(
                spark, settings("simulate.units=1", "simulate.days=10"), PlantTable.WIDE)
            .collectAsList();

    int backwards = 0;
    int backwardsInTime = 0;
    int irregular = 0;
    for (int i = 1; i < rows.size(); i++) {
      backwards += arrival(rows, i) < arrival(rows, i - 1) ? 1 : 0;
      backwardsInTime += time(rows, i) < time(rows, i - 1) ? 1 : 0;
      irregular += time(rows, i) % 600_000 != 0 ? 1 : 0;
    }
    assertThat(backwards).isZero();
    assertThat(backwardsInTime).isPositive();
    assertThat(irregular).isGreaterThan(rows.size() * 9 / 10);
  }

  @ParameterizedTest
  @EnumSource(SimulationSettings.Format.class)
  void everyFormatReadsBackEqual(SimulationSettings.Format format, SparkSession spark) {
    SimulationSettings settings =
        settings("simulate.format=" + format.source(), "simulate.days=3", "simulate.units=2");

    SimulationReport report = PlantSimulator.write(spark, settings);

    for (PlantTable table : PlantTable.values()) {
      Dataset<Row> generated = PlantSimulator.table(spark, settings, table);
      Dataset<Row> read =
          spark
              .read()
              .format(format.source())
              .schema(generated.schema())
              .option("header", "true")
              .load(report.paths().get(table.label()));
      assertThat(read.exceptAll(generated).count()).as("%s", table).isZero();
      assertThat(read.count()).isEqualTo(generated.count());
    }
  }

  @Test
  void writtenParquetIsWhatTheSchemaFilesSay(SparkSession spark) throws IOException {
    SimulationReport report =
        PlantSimulator.write(
            spark, settings("simulate.days=40", "simulate.units=2", "simulate.interval=1 hour"));

    for (String table : report.paths().keySet()) {
      checkSchema(spark, table, report.paths().get(table));
    }
  }

  private static void checkSchema(SparkSession spark, String table, String path)
      throws IOException {
    JsonNode schema =
        new ObjectMapper()
            .readTree(
                Path.of(System.getenv("SLUICE_ROOT"), "data-schemas", table + ".v1.json").toFile());

    var described = new ArrayList<String>();
    for (JsonNode column : schema.get("columns")) {
      described.add(
          "%s %s %s"
              .formatted(
                  column.get("name").asText(),
                  column.get("type").asText(),
                  column.get("nullable").asBoolean() ? "null" : "not null"));
    }
    var written = new ArrayList<String>();
    for (StructField field : spark.read().parquet(path).schema().fields()) {
      boolean required =
          footer(Path.of(path)).getType(field.name()).getRepetition() == Type.Repetition.REQUIRED;
      written.add(
          "%s %s %s"
              .formatted(
                  field.name(), field.dataType().typeName(), required ? "not null" : "null"));
    }

    assertThat(schema.get("format").asText()).isEqualTo(table + ".v1");
    assertThat(written).isEqualTo(described);
  }

  @Test
  void schemaFilesNameTheChannelsRangesAndEvents() throws IOException {
    var mapper = new ObjectMapper();
    Path schemas = Path.of(System.getenv("SLUICE_ROOT"), "data-schemas");

    JsonNode wide = mapper.readTree(schemas.resolve("wide.v1.json").toFile());
    for (Channel channel : Channel.values()) {
      JsonNode range = wide.get("columns").get(2 + channel.ordinal()).get("range");
      assertThat(range.get(0).asDouble()).isEqualTo(channel.low());
      assertThat(range.get(1).asDouble()).isEqualTo(channel.high());
    }
    JsonNode historian = mapper.readTree(schemas.resolve("historian.v1.json").toFile());
    assertThat(historian.get("columns").get(1).get("values"))
        .extracting(JsonNode::asText)
        .isEqualTo(Channel.labels());
    JsonNode events = mapper.readTree(schemas.resolve("events.v1.json").toFile());
    assertThat(events.get("columns").get(2).get("values"))
        .extracting(JsonNode::asText)
        .isEqualTo(Stream.of(PlantEvent.Type.values()).map(PlantEvent.Type::label).toList());
  }

  @Test
  void aSecondSimulationReplacesTheFirstAsAWhole(SparkSession spark) throws IOException {
    PlantSimulator.write(spark, settings("simulate.days=5", "simulate.partitions=4"));

    SimulationReport report =
        PlantSimulator.write(spark, settings("simulate.days=3", "simulate.partitions=1"));

    assertThat(spark.read().parquet(report.paths().get("wide")).count())
        .isEqualTo(report.rows().get("wide"));
    try (Stream<Path> beside = Files.list(folder)) {
      assertThat(beside).containsExactly(folder.resolve("raw"));
    }
  }

  @Test
  void refusesToReplaceAFolderThatIsNotASimulation(SparkSession spark) throws IOException {
    Path raw = Files.createDirectories(folder.resolve("raw"));
    Files.writeString(raw.resolve("precious.csv"), "1,2,3");

    assertThatThrownBy(() -> PlantSimulator.write(spark, settings("simulate.days=3")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Cannot write the simulated plant to %s: it holds precious.csv, which no simulation"
                    .formatted(raw)
                + " wrote. Give simulate.output a folder of its own, or empty this one.");
    assertThat(raw.resolve("precious.csv")).hasContent("1,2,3");
  }

  private SimulationSettings settings(String... overrides) {
    var all = new ArrayList<String>();
    all.add("simulate.output=" + folder.resolve("raw"));
    all.add("simulate.units=7");
    all.add("simulate.days=30");
    all.addAll(List.of(overrides));
    return SimulationFixture.settings(all.toArray(String[]::new));
  }

  private static long time(List<Row> rows, int i) {
    return rows.get(i).getTimestamp(rows.get(i).fieldIndex("time")).getTime();
  }

  private static long arrival(List<Row> rows, int i) {
    return rows.get(i).getTimestamp(rows.get(i).fieldIndex("arrival")).getTime();
  }

  private static org.apache.parquet.schema.MessageType footer(Path table) throws IOException {
    try (Stream<Path> files = Files.list(table)) {
      Path part =
          files.filter(f -> f.getFileName().toString().endsWith(".parquet")).findFirst().get();
      var input =
          HadoopInputFile.fromPath(
              new org.apache.hadoop.fs.Path(part.toUri()), new Configuration());
      try (var reader = ParquetFileReader.open(input)) {
        return reader.getFileMetaData().getSchema();
      }
    }
  }
}
