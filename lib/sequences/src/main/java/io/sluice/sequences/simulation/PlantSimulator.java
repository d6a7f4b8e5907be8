package io.sluice.sequences.simulation;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.StagedFolder;
import java.time.Instant;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Observation;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the record of a simulated plant: {@code historian/}, {@code wide/} and {@code events/}.
 *
 * <p>Units are dealt over Spark partitions and generated one after the other inside each, straight
 * into the writer, so memory does not grow with units or days. The tables are equal whatever the
 * number of partitions; each is generated from scratch, because a unit costs less to simulate again
 * than its readings cost to keep.
 */
public final class PlantSimulator {
  private static final Logger LOG = LoggerFactory.getLogger(PlantSimulator.class);
  private static final String CSV_TIME = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'";

  private PlantSimulator() {}

  /**
   * Simulates the plant and publishes its three tables at once, in the place of those of an earlier
   * simulation.
   *
   * @throws InvalidInputException if the output folder holds anything that no simulation wrote
   */
  public static SimulationReport write(SparkSession spark, SimulationSettings settings) {
    long start = System.nanoTime();
    Configuration hadoop = spark.sessionState().newHadoopConf();
    requireOwnFolder(Lake.of(hadoop), settings.output());
    Map<String, String> paths = new LinkedHashMap<>();
    Map<String, Long> rows = new LinkedHashMap<>();
    Map<PlantTable, Map<String, Object>> observed = new EnumMap<>(PlantTable.class);
    try (var folder =
        StagedFolder.open(
            settings.output(),
            UUID.randomUUID().toString(),
            StagedFolder.LOCK_STALE_AFTER,
            hadoop)) {
      for (PlantTable table : PlantTable.values()) {
        observed.put(table, write(spark, settings, table, folder.uri() + "/" + table.label()));
        paths.put(table.label(), folder.targetUri() + "/" + table.label());
        rows.put(table.label(), (Long) observed.get(table).get("rows"));
        LOG.info(
            "simulate | {} | {} rows", table.label(), "%,d".formatted(rows.get(table.label())));
      }
      folder.publish();
    }
    return new SimulationReport(
        settings.output(),
        paths,
        rows,
        unitsByKind(settings.units()),
        failures(observed.get(PlantTable.EVENTS)),
        instant(observed.get(PlantTable.HISTORIAN), "first"),
        instant(observed.get(PlantTable.HISTORIAN), "last"),
        (System.nanoTime() - start) / 1e9);
  }

  // publishing replaces the whole folder, so a stranger's files in it would be lost
  private static void requireOwnFolder(Lake lake, String output) {
    Set<String> own =
        Stream.of(PlantTable.values()).map(PlantTable::label).collect(Collectors.toSet());
    for (String name : lake.children(output)) {
      if (!own.contains(name)) {
        throw new InvalidInputException(
            "Cannot write the simulated plant to %s: it holds %s, which no simulation wrote. Give"
                    .formatted(output, name)
                + " simulate.output a folder of its own, or empty this one.");
      }
    }
  }

  /** One table as a dataset, generated when it is acted upon. */
  static Dataset<Row> table(SparkSession spark, SimulationSettings settings, PlantTable table) {
    int wanted =
        settings.partitions() > 0
            ? settings.partitions()
            : spark.sparkContext().defaultParallelism();
    Dataset<Row> generated =
        spark
            .range(0, settings.units(), 1, Math.min(wanted, settings.units()))
            .mapPartitions(
                (MapPartitionsFunction<Long, Row>) units -> table.rows(settings, units),
                Encoders.row(table.schema()));
    for (String time : table.times()) {
      generated = generated.withColumn(time, expr("timestamp_millis(`%s`)".formatted(time)));
    }
    return generated;
  }

  private static Map<String, Object> write(
      SparkSession spark, SimulationSettings settings, PlantTable table, String path) {
    var observation = new Observation(table.label());
    Column failures =
        table == PlantTable.EVENTS
            ? sum(when(col("type").equalTo(PlantEvent.Type.FAILURE.label()), 1L).otherwise(0L))
            : lit(0L);
    Dataset<Row> rows =
        table(spark, settings, table)
            .observe(
                observation,
                count(lit(1)).as("rows"),
                min(col("time")).cast("double").as("first"),
                max(col("time")).cast("double").as("last"),
                failures.as("failures"));
    try {
      rows.write()
          .mode(SaveMode.Overwrite)
          .option("header", "true") // csv
          .option("timestampFormat", CSV_TIME) // csv, json
          .option("timeZone", "UTC") // csv, json
          .format(settings.format().source())
          .save(path);
    } catch (Exception e) { // Spark throws checked exceptions that it does not declare
      throw Lake.writeFailure(path, e);
    }
    try {
      return observation.getAsJava();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new OperationFailedException(
          "Interrupted while writing %s; simulate again.".formatted(path), e);
    }
  }

  private static Map<String, Long> unitsByKind(int units) {
    var byKind = new TreeMap<String, Long>();
    for (long unit = 0; unit < units; unit++) {
      byKind.merge(Kind.of(unit).label(), 1L, Long::sum);
    }
    return byKind;
  }

  // a sum over no rows is null
  private static long failures(Map<String, Object> observed) {
    return observed.get("failures") instanceof Long failures ? failures : 0;
  }

  private static String instant(Map<String, Object> observed, String name) {
    return observed.get(name) instanceof Double seconds
        ? Instant.ofEpochMilli(Math.round(seconds * 1000)).toString()
        : null;
  }
}
