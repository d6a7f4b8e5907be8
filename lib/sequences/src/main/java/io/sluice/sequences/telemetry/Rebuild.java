package io.sluice.sequences.telemetry;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.when;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.StagedFolder;
import io.sluice.sequences.source.ReadFailures;
import io.sluice.sequences.telemetry.SequenceSettings.DatasetLayout;
import io.sluice.sequences.telemetry.SequenceSettings.SplitBy;
import io.sluice.sequences.telemetry.SequenceSettings.SplitUnit;
import io.sluice.sequences.telemetry.grid.BlockShape;
import io.sluice.sequences.telemetry.grid.Grid;
import io.sluice.sequences.telemetry.store.TaskCounts;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;

/**
 * Which periods a run builds: all of them, or those that rows added or changed in a range of time
 * can have touched, while the others' parts are kept as they are.
 *
 * <p>A row at a step changes the steps that gaps are filled in from it, the windows that hold one
 * of those, and, where it moves the end of its series' record, the targets that look ahead to that
 * end. An event in the range changes the targets that look ahead to it and the origins that are
 * left out after it.
 *
 * <p>What holds afterwards: the dataset equals a full build with the split bounds of the first
 * build, scalers and audit included, and parts of untouched periods keep their bytes. Rows outside
 * the range are taken to be those of the last build.
 */
final class Rebuild {
  private final SequenceManifest existing;
  private final Grid grid;
  private final long firstPeriod;
  private final long lastPeriod;

  private Rebuild(SequenceManifest existing, Grid grid, long firstPeriod, long lastPeriod) {
    this.existing = existing;
    this.grid = grid;
    this.firstPeriod = firstPeriod;
    this.lastPeriod = lastPeriod;
  }

  static Rebuild ofEverything() {
    return new Rebuild(null, null, Long.MIN_VALUE, Long.MAX_VALUE);
  }

  static Rebuild of(
      SequenceSettings settings,
      PreparedSource source,
      Grid grid,
      BlockShape shape,
      Configuration hadoop) {
    String path = settings.dataset().path();
    if (!Lake.of(hadoop).exists(path + "/" + SequenceManifest.FILE_NAME)) {
      throw new InvalidInputException(
          "dataset.rebuild-from needs a dataset at %s, and there is none. Build it in full first: leave dataset.rebuild-from and rebuild-to out."
              .formatted(path));
    }
    SequenceDataset dataset = SequenceDataset.open(path, hadoop);
    SequenceManifest existing = dataset.manifest();
    refuse(settings, existing, path);
    dataset.requireUnchanged(); // its bounds and counts are taken over
    long from = micros(settings.dataset().rebuildFrom());
    long to = micros(settings.dataset().rebuildTo());
    long[] range = withMovedEnds(source, from, to);
    long ahead =
        switch (settings.target().type()) {
          case FORECAST, CLASS -> 0;
          case EVENT -> grid.steps(settings.target().leadTime());
          case REMAINING_LIFE -> settings.target().cap();
        };
    long firstOrigin = grid.step(range[0]) - shape.reach() - Math.max(shape.ahead(), ahead);
    long after = settings.target().events() == null ? 0 : grid.steps(settings.target().recovery());
    long lastOrigin = grid.step(range[1]) + Math.max(shape.reach() + shape.lookBack() - 1, after);
    return new Rebuild(
        existing, grid, grid.period(grid.block(firstOrigin)), grid.period(grid.block(lastOrigin)));
  }

  private static void refuse(SequenceSettings settings, SequenceManifest existing, String path) {
    if (!existing.configHash().equals(settings.hash())) {
      throw new InvalidInputException(
          "%s was built with other settings (config hash %.12s, these have %.12s), so parts of it cannot be rebuilt. Build it in full: leave dataset.rebuild-from and rebuild-to out."
              .formatted(path, existing.configHash(), settings.hash()));
    }
    if (settings.split().by() == SplitBy.TIME && settings.split().unit() == SplitUnit.ROWS) {
      throw new InvalidInputException(
          "dataset.rebuild-from cannot go with split.unit = rows: a late row moves every bound after it. Set split.unit = instant, or build %s in full."
              .formatted(path));
    }
    if (settings.dataset().layout() == DatasetLayout.WINDOWS) {
      throw new InvalidInputException(
          "dataset.rebuild-from cannot go with dataset.layout = windows: scalers are refitted on stored segments. Build %s in full."
              .formatted(path));
    }
    boolean runsToTheEnd =
        settings.target().type() == WindowContract.TargetType.REMAINING_LIFE
            && settings.target().events() == null;
    if (runsToTheEnd) {
      throw new InvalidInputException(
          "dataset.rebuild-from cannot go with a remaining life that counts to the end of each series: a late row moves the end. Build %s in full."
              .formatted(path));
    }
  }

  /** The range, widened where a series' record begins or ends inside it. */
  private static long[] withMovedEnds(PreparedSource source, long from, long to) {
    List<Row> moved =
        ReadFailures.guard(
            source.described(),
            () ->
                source
                    .usable()
                    .groupBy("series")
                    .agg(
                        max(when(col("tick").lt(from), col("tick"))).as("before"),
                        count(when(col("tick").between(from, to), 1)).as("inside"),
                        min(when(col("tick").gt(to), col("tick"))).as("after"))
                    .where("inside > 0 and (before is null or after is null)")
                    .agg(
                        min(when(col("after").isNull(), col("before"))),
                        max(when(col("before").isNull(), col("after"))))
                    .collectAsList());
    Row row = moved.get(0);
    return new long[] {
      row.isNullAt(0) ? from : Math.min(from, row.getLong(0)),
      row.isNullAt(1) ? to : Math.max(to, row.getLong(1))
    };
  }

  private static long micros(Instant at) {
    return Math.addExact(Math.multiplyExact(at.getEpochSecond(), 1_000_000L), at.getNano() / 1000);
  }

  /** True for a period that this run builds. */
  boolean isTouched(long period) {
    return period >= firstPeriod && period <= lastPeriod;
  }

  /** The bounds of the first build; null for a build of everything. */
  JsonNode recordedBounds() {
    return existing == null ? null : existing.splitBounds();
  }

  /** Refuses to mix parts of different contracts. */
  void requireSame(WindowContract unscaled) {
    if (existing == null) {
      return;
    }
    WindowContract old = existing.contract();
    if (!old.channels().equals(unscaled.channels()) || !old.target().equals(unscaled.target())) {
      throw new InvalidInputException(
          "The source now gives channels %s and target %s, the dataset has %s and %s. Build it in full: leave dataset.rebuild-from and rebuild-to out."
              .formatted(unscaled.channels(), unscaled.target(), old.channels(), old.target()));
    }
  }

  /** Takes untouched parts over into the staged folder; all parts by path. */
  List<Part> keepUntouched(StagedFolder staged, List<Part> written) {
    var all = new ArrayList<>(written);
    if (existing != null) {
      for (Part part : existing.parts()) {
        if (!isTouched(part.path())) {
          staged.keep(part.path());
          all.add(part);
        }
      }
    }
    all.sort(Comparator.comparing(Part::path));
    return List.copyOf(all);
  }

  private boolean isTouched(String partPath) {
    return touchedNames(partPath.replaceFirst(".*/period=([^/]*)/.*", "$1"));
  }

  private boolean touchedNames(String period) {
    // names of one dataset order as their periods do
    return period.compareTo(grid.periodName(firstPeriod)) >= 0
        && period.compareTo(grid.periodName(lastPeriod)) <= 0;
  }

  /** Dropped windows by period, with those of the periods that were kept. */
  TreeMap<String, Map<String, Long>> withKept(TreeMap<String, TaskCounts> counts) {
    var all = new TreeMap<String, Map<String, Long>>();
    counts.forEach(
        (period, own) -> {
          if (!own.droppedWindows().isEmpty()) {
            all.put(period, own.droppedWindows());
          }
        });
    if (existing != null) {
      existing
          .droppedByPeriod()
          .forEach(
              (period, dropped) -> {
                if (!touchedNames(period)) {
                  all.put(period, dropped);
                }
              });
    }
    return all;
  }
}
