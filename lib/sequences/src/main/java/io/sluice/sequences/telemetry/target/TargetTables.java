package io.sluice.sequences.telemetry.target;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.source.RawTable;
import io.sluice.sequences.source.ReadFailures;
import io.sluice.sequences.source.TableSource;
import io.sluice.sequences.telemetry.SequenceSettings;
import io.sluice.sequences.telemetry.SequenceSettings.Events;
import io.sluice.sequences.telemetry.SourceSettings;
import io.sluice.sequences.telemetry.SourceSettings.Columns;
import io.sluice.sequences.telemetry.SourceSettings.Layout;
import io.sluice.sequences.telemetry.SourceSettings.SeriesFrom;
import io.sluice.sequences.telemetry.grid.Grid;
import io.sluice.sequences.telemetry.grid.Labels;
import io.sluice.sequences.telemetry.source.Readings;
import io.sluice.sequences.telemetry.source.SeriesOrder;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Reads the tables that targets need beside the telemetry. */
public final class TargetTables {
  private TargetTables() {}

  /**
   * The labels of a build.
   *
   * @param series of the source, test series with their prefix
   * @param testPrefix what the names of test series begin with
   * @param warnings takes what a person should look at
   */
  public static Labels labels(
      SparkSession spark,
      SequenceSettings settings,
      Grid grid,
      Set<String> series,
      String testPrefix,
      Instant now,
      List<String> warnings) {
    var target = settings.target();
    return switch (target.type()) {
      case FORECAST -> Labels.none();
      case CLASS -> new Labels(target.type(), target.labelAt(), 0, 0, 0, null, Map.of());
      case EVENT, REMAINING_LIFE ->
          new Labels(
              target.type(),
              target.labelAt(),
              grid.steps(target.leadTime()),
              target.events() == null ? 0 : grid.steps(target.recovery()),
              target.cap(),
              target.events() == null ? null : events(spark, settings, grid, series, now, warnings),
              target.remainingAtEndPath() == null
                  ? Map.of()
                  : remainingAtEnd(spark, target.remainingAtEndPath(), series, testPrefix));
    };
  }

  private static Map<String, long[]> events(
      SparkSession spark,
      SequenceSettings settings,
      Grid grid,
      Set<String> series,
      Instant now,
      List<String> warnings) {
    Events events = settings.target().events();
    String described = "target.events-path " + events.path();
    RawTable table =
        RawTable.open(
            spark, new TableSource(described, events.path(), events.format(), events.options()));
    table.require(events.series(), "target.event-series");
    table.require(events.time(), "target.event-time");
    if (!events.types().isEmpty()) {
      table.require(events.type(), "target.event-type");
    }
    var judged = Readings.of(table, asSource(settings.source(), events), "", now);
    List<Row> rows =
        ReadFailures.guard(
            described,
            () -> judged.moments(events.types().isEmpty() ? null : events.type()).collectAsList());
    var wanted = new HashSet<>(events.types());
    var found = new TreeSet<String>();
    var steps = new HashMap<String, TreeSet<Long>>();
    long unusable = 0;
    var unknown = new TreeSet<String>();
    for (Row row : rows) {
      if (row.getString(2) != null) {
        unusable++;
        continue;
      }
      String type = row.getString(3);
      if (type != null) {
        found.add(type);
      }
      if (wanted.isEmpty() || wanted.contains(type)) {
        String name = row.getString(0);
        if (series.contains(name)) {
          steps.computeIfAbsent(name, s -> new TreeSet<>()).add(grid.step(row.getLong(1)));
        } else {
          unknown.add(name);
        }
      }
    }
    if (unusable > 0) {
      throw new InvalidInputException(
          "%s: %d of %d events have no usable series or time. A missed event would teach that nothing happened; correct the table."
              .formatted(described, unusable, rows.size()));
    }
    if (!unknown.isEmpty()) {
      warnings.add(
          "%s names series without telemetry: %s"
              .formatted(described, unknown.stream().limit(5).toList()));
    }
    if (steps.isEmpty()) {
      throw new InvalidInputException(
          "%s has no event of the source's series%s. Check target.event-series and target.event-types."
              .formatted(
                  described,
                  wanted.isEmpty() ? "" : " and of types %s (it has %s)".formatted(wanted, found)));
    }
    var bySeries = new TreeMap<String, long[]>();
    steps.forEach(
        (name, set) -> bySeries.put(name, set.stream().mapToLong(Long::longValue).toArray()));
    return bySeries;
  }

  private static SourceSettings asSource(SourceSettings source, Events events) {
    return new SourceSettings(
        events.path(),
        events.format(),
        events.options(),
        Layout.WIDE,
        List.of(),
        new Columns(events.series(), events.time(), null, null, null, null),
        SeriesFrom.COLUMN,
        List.of(),
        source.time(),
        source.extraColumns(),
        null);
  }

  private static Map<String, Long> remainingAtEnd(
      SparkSession spark, String path, Set<String> series, String testPrefix) {
    String described = "target.remaining-at-end-path " + path;
    RawTable table =
        RawTable.open(
            spark,
            new TableSource(described, path, "csv", Map.of("sep", "\u0001"), List.of("remaining")));
    List<Row> lines = ReadFailures.guard(described, () -> table.texts("remaining").collectAsList());
    List<String> tests =
        SeriesOrder.sorted(
            series.stream()
                .filter(s -> s.startsWith(testPrefix))
                .map(s -> s.substring(testPrefix.length()))
                .toList());
    if (lines.size() != tests.size()) {
      throw new InvalidInputException(
          "%s has %d numbers, but source.test-path has %d series. Give one number a series, a line each, in series order."
              .formatted(described, lines.size(), tests.size()));
    }
    var remaining = new TreeMap<String, Long>();
    for (int i = 0; i < tests.size(); i++) {
      String text = lines.get(i).getString(0);
      try {
        remaining.put(testPrefix + tests.get(i), (long) Double.parseDouble(text.strip()));
      } catch (NumberFormatException e) {
        throw new InvalidInputException(
            "%s, line %d: \"%s\" is not a number of steps.".formatted(described, i + 1, text), e);
      }
    }
    return remaining;
  }
}
