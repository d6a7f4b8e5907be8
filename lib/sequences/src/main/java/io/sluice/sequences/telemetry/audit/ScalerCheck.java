package io.sluice.sequences.telemetry.audit;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.avg;
import static org.apache.spark.sql.functions.bit_xor;
import static org.apache.spark.sql.functions.broadcast;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.count_distinct;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.percentile_approx;
import static org.apache.spark.sql.functions.stddev_pop;
import static org.apache.spark.sql.functions.when;
import static org.apache.spark.sql.functions.xxhash64;

import io.sluice.sequences.dataset.Scaler;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Check;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.telemetry.store.SegmentTable;
import io.sluice.sequences.telemetry.store.StoredSegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Refits every scaler on the stored train steps by Spark's own aggregates, and compares the steps
 * that neighbouring segments both store.
 */
final class ScalerCheck {
  // of the scale; Spark sums doubles in another order: far below this
  private static final double TOLERANCE = 1e-6;

  /** A step is refitted on where it is stored first. */
  private static final Column IS_FIRST = expr("tick > lastBefore");

  private final SparkSession spark;
  private final String uri;
  private final SequenceManifest manifest;
  private final WindowContract contract;
  private final String method;
  private final List<StoredSegment> segments;

  ScalerCheck(
      SparkSession spark, String uri, SequenceManifest manifest, List<StoredSegment> segments) {
    this.spark = spark;
    this.uri = uri;
    this.manifest = manifest;
    this.contract = manifest.contract();
    this.method = contract.scaling().method();
    this.segments = segments;
  }

  List<Check> run() {
    if (manifest.parts().stream().noneMatch(p -> p.split().equals(Split.TRAIN.label()))) {
      return List.of(new Check("scalers-train-only", false, "the train split has no step"));
    }
    boolean isBySeries = !contract.scaling().bySeries().isEmpty();
    var aggregates = new ArrayList<Column>();
    // where a segment and the one after it store a step alike, both sums hold the same hash
    aggregates.add(bit_xor(when(expr("tick >= firstAfter"), hash("segment"))));
    aggregates.add(bit_xor(when(expr("tick <= lastBefore"), hash("before"))));
    aggregates.add(count(when(IS_FIRST, 1)));
    for (int c = 0; c < contract.channels().size(); c++) {
      addStatistics(aggregates, when(IS_FIRST, col("c" + c)));
    }
    Dataset<Row> steps = steps();
    List<Row> rows =
        (isBySeries ? steps.groupBy("split", "series") : steps.groupBy("split"))
            .agg(aggregates.get(0), aggregates.subList(1, aggregates.size()).toArray(Column[]::new))
            .collectAsList();
    int first = isBySeries ? 2 : 1;
    return List.of(scalers(rows, first), stepsAgree(rows, first));
  }

  private Check scalers(List<Row> rows, int first) {
    List<String> channels = contract.channels();
    Map<String, Map<String, Scaler>> bySeries = contract.scaling().bySeries();
    var broken = new ArrayList<String>();
    long trainSteps = 0;
    for (Row row : rows) {
      if (!row.getString(0).equals(Split.TRAIN.label())) {
        continue;
      }
      String series = bySeries.isEmpty() ? null : row.getString(1);
      trainSteps += row.getLong(first + 2);
      for (int c = 0; c < channels.size(); c++) {
        Scaler scaler =
            series == null
                ? contract.scaling().global().get(channels.get(c))
                : bySeries.getOrDefault(series, Map.of()).get(channels.get(c));
        String why = method.equals("none") ? null : why(scaler, row, first + 3 + c * PER_CHANNEL);
        if (why != null) {
          broken.add(
              "channel %s%s: %s"
                  .formatted(channels.get(c), series == null ? "" : " of series " + series, why));
        }
      }
    }
    broken.sort(null);
    return new Check(
        "scalers-train-only",
        broken.isEmpty(),
        broken.isEmpty()
            ? method.equals("none")
                ? "no scaler to check"
                : "%s scalers of %d channels, refitted on %d stored train steps, equal the manifest's"
                    .formatted(method, channels.size(), trainSteps)
            : LeakageAudit.first(broken));
  }

  /**
   * Rows of the dataset, channels as c0, c1, …, each with the reach of its segment's neighbours.
   */
  private Dataset<Row> steps() {
    // internal names: a channel's may hold dots
    var columns =
        new ArrayList<Column>(List.of(col("split"), col("series"), col("segment"), col("tick")));
    for (int c = 0; c < contract.channels().size(); c++) {
      String channel = contract.channels().get(c);
      columns.add(col("`" + channel.replace("`", "``") + "`").cast("double").as("c" + c));
    }
    return SegmentTable.of(spark, uri, contract, manifest.parts())
        .select(columns.toArray(Column[]::new))
        .join(broadcast(neighbours()), new String[] {"split", "series", "segment"});
  }

  /**
   * Per segment the one before it, that one's last tick, and the first tick of the one after it.
   */
  private Dataset<Row> neighbours() {
    var rows = new ArrayList<Row>();
    for (int i = 0; i < segments.size(); i++) {
      StoredSegment own = segments.get(i);
      StoredSegment before = i > 0 ? segments.get(i - 1) : null;
      StoredSegment after = i + 1 < segments.size() ? segments.get(i + 1) : null;
      boolean isFirst = before == null || !own.isNeighbourOf(before);
      boolean isLast = after == null || !own.isNeighbourOf(after);
      rows.add(
          RowFactory.create(
              own.split().label(),
              own.series(),
              own.id(),
              isFirst ? null : before.id(),
              isFirst ? Long.MIN_VALUE : before.lastTick(),
              isLast ? Long.MAX_VALUE : after.firstTick()));
    }
    return spark.createDataFrame(
        rows,
        new StructType()
            .add("split", DataTypes.StringType)
            .add("series", DataTypes.StringType)
            .add("segment", DataTypes.LongType)
            .add("before", DataTypes.LongType)
            .add("lastBefore", DataTypes.LongType)
            .add("firstAfter", DataTypes.LongType));
  }

  private Column hash(String segment) {
    var values = new ArrayList<Column>(List.of(col("series"), col(segment), col("tick")));
    for (int c = 0; c < contract.channels().size(); c++) {
      values.add(value(c));
    }
    return xxhash64(values.toArray(Column[]::new));
  }

  private static Column value(int channel) {
    return coalesce(col("c" + channel), lit(Double.NaN)); // a hash would pass over null
  }

  private Check stepsAgree(List<Row> rows, int first) {
    boolean agree =
        rows.stream().allMatch(row -> Objects.equals(row.get(first), row.get(first + 1)));
    return new Check(
        "steps-agree",
        agree,
        agree ? "steps stored in two segments are equal in both" : LeakageAudit.first(differing()));
  }

  private List<String> differing() {
    int C = contract.channels().size();
    var kinds = new Column[C];
    var counts = new Column[C];
    for (int c = 0; c < C; c++) {
      kinds[c] = count_distinct(value(c)).as("d" + c);
      counts[c] = count(when(col("d" + c).gt(1), 1));
    }
    Row row =
        steps()
            .where("tick <= lastBefore or tick >= firstAfter")
            .groupBy("split", "series", "tick")
            .agg(kinds[0], Arrays.copyOfRange(kinds, 1, C))
            .agg(counts[0], Arrays.copyOfRange(counts, 1, C))
            .head();
    var broken = new ArrayList<String>();
    for (int c = 0; c < C; c++) {
      if (row.getLong(c) > 0) {
        broken.add(
            "channel %s differs at %d steps".formatted(contract.channels().get(c), row.getLong(c)));
      }
    }
    if (broken.isEmpty()) {
      broken.add("of two segments that follow each other one lacks steps that the other has");
    }
    return broken;
  }

  /** count, mean, standard deviation, minimum, maximum, quantiles. */
  private static final int PER_CHANNEL = 6;

  private void addStatistics(List<Column> statistics, Column value) {
    statistics.add(count(value));
    statistics.add(avg(value));
    statistics.add(stddev_pop(value));
    statistics.add(min(value));
    statistics.add(max(value));
    // ranks a little to either side of each quartile
    statistics.add(quantiles(value));
  }

  private Column quantiles(Column value) {
    if (!method.equals("robust")) {
      return lit(null).cast("array<double>");
    }
    if (isSmall()) {
      return expr("percentile(%s, array(0.25, 0.5, 0.75))".formatted(value));
    }
    return percentile_approx(
        value,
        array(lit(0.2499), lit(0.2501), lit(0.4999), lit(0.5001), lit(0.7499), lit(0.7501)),
        lit(100_000));
  }

  /** Whether Spark's exact percentile, which counts every distinct value, fits in memory. */
  private boolean isSmall() {
    return manifest.parts().stream().mapToLong(SequenceManifest.Part::steps).sum() < 500_000;
  }

  /** Why a scaler is not what a refit gives; null if it is. */
  private String why(Scaler scaler, Row row, int from) {
    if (scaler == null) {
      return "has no scaler";
    }
    long rows = row.getLong(from);
    if (rows != scaler.rows()) {
      return "fitted on %d rows, the train split has %d".formatted(scaler.rows(), rows);
    }
    if (rows == 0) {
      return scaler.equals(Scaler.IDENTITY) ? null : "has no train row, but a scaler";
    }
    double min = row.getDouble(from + 3);
    double max = row.getDouble(from + 4);
    return switch (method) {
      case "standard" ->
          differs(scaler, row.getDouble(from + 1), max > min ? row.getDouble(from + 2) : 1);
      case "min-max" -> differs(scaler, min, max > min ? max - min : 1);
      case "robust" -> differsFromQuantiles(scaler, row.getList(from + 5));
      default -> "unknown method " + method;
    };
  }

  private static String differs(Scaler scaler, double center, double scale) {
    boolean equal =
        Math.abs(scaler.center() - center) <= TOLERANCE * scale
            && Math.abs(scaler.scale() - scale) <= TOLERANCE * scale;
    return equal
        ? null
        : "center %s and scale %s, a refit gives %s and %s"
            .formatted(scaler.center(), scaler.scale(), center, scale);
  }

  private static String differsFromQuantiles(Scaler scaler, List<Double> q) {
    double range = q.get(q.size() - 1) - q.get(0);
    double slack = TOLERANCE * (range > 0 ? range : 1);
    boolean fits;
    if (q.size() == 3) {
      double iqr = q.get(2) - q.get(0);
      fits =
          Math.abs(scaler.center() - q.get(1)) <= slack
              && Math.abs(scaler.scale() - (iqr > 0 ? iqr : 1)) <= slack;
    } else {
      double narrow = q.get(4) - q.get(1);
      double wide = q.get(5) - q.get(0);
      fits =
          scaler.center() >= q.get(2) - slack
              && scaler.center() <= q.get(3) + slack
              && ((scaler.scale() >= narrow - slack && scaler.scale() <= wide + slack)
                  || (scaler.scale() == 1 && narrow <= 0));
    }
    return fits
        ? null
        : "center %s and scale %s, quantiles about the quartiles are %s"
            .formatted(scaler.center(), scaler.scale(), q);
  }
}
