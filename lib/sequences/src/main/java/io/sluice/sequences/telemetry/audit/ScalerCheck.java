package io.sluice.sequences.telemetry.audit;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.avg;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.percentile_approx;
import static org.apache.spark.sql.functions.stddev_pop;
import static org.apache.spark.sql.functions.when;

import io.sluice.sequences.dataset.Scaler;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Check;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowContract;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Refits every scaler on the stored train steps by Spark's own aggregates. */
final class ScalerCheck {
  // of the scale; Spark sums doubles in another order: far below this
  private static final double TOLERANCE = 1e-6;

  private final SparkSession spark;
  private final String uri;
  private final SequenceManifest manifest;
  private final WindowContract contract;
  private final String method;

  ScalerCheck(SparkSession spark, String uri, SequenceManifest manifest) {
    this.spark = spark;
    this.uri = uri;
    this.manifest = manifest;
    this.contract = manifest.contract();
    this.method = contract.scaling().method();
  }

  List<Check> run() {
    if (manifest.parts().stream().noneMatch(p -> p.split().equals(Split.TRAIN.label()))) {
      return List.of(new Check("scalers-train-only", false, "the train split has no step"));
    }
    List<String> channels = contract.channels();
    // internal names: a channel's may hold dots
    var names = new ArrayList<Column>(List.of(col("series"), col("tick")));
    for (int c = 0; c < channels.size(); c++) {
      names.add(col("`" + channels.get(c).replace("`", "``") + "`").cast("double").as("c" + c));
    }
    var once = new ArrayList<Column>();
    for (int c = 0; c < channels.size(); c++) {
      once.add(min("c" + c).as("c" + c));
      once.add(max("c" + c).as("d" + c));
    }
    Dataset<Row> steps =
        SeriesFacts.rows(spark, uri, manifest, Split.TRAIN.label())
            .select(names.toArray(Column[]::new))
            .groupBy("series", "tick")
            .agg(once.get(0), once.subList(1, once.size()).toArray(Column[]::new));
    var statistics = new ArrayList<Column>();
    for (int c = 0; c < channels.size(); c++) {
      addStatistics(statistics, col("c" + c), col("d" + c));
    }
    Map<String, Map<String, Scaler>> bySeries = contract.scaling().bySeries();
    Column head = count(lit(1));
    Column[] rest = statistics.toArray(Column[]::new);
    List<Row> rows =
        bySeries.isEmpty()
            ? steps.agg(head, rest).collectAsList()
            : steps.groupBy("series").agg(head, rest).orderBy("series").collectAsList();
    var broken = new ArrayList<String>();
    var disagreeing = new ArrayList<String>();
    long trainSteps = 0;
    for (Row row : rows) {
      int at = bySeries.isEmpty() ? 0 : 1;
      String series = at == 0 ? null : row.getString(0);
      trainSteps += row.getLong(at);
      for (int c = 0; c < channels.size(); c++) {
        int from = at + 1 + c * PER_CHANNEL;
        if (row.getLong(from + 6) > 0) {
          disagreeing.add(
              "channel %s differs at %d steps".formatted(channels.get(c), row.getLong(from + 6)));
        }
        Scaler scaler =
            series == null
                ? contract.scaling().global().get(channels.get(c))
                : bySeries.getOrDefault(series, Map.of()).get(channels.get(c));
        String why = method.equals("none") ? null : why(scaler, row, from);
        if (why != null) {
          broken.add(
              "channel %s%s: %s"
                  .formatted(channels.get(c), series == null ? "" : " of series " + series, why));
        }
      }
    }
    return List.of(
        new Check(
            "scalers-train-only",
            broken.isEmpty(),
            broken.isEmpty()
                ? method.equals("none")
                    ? "no scaler to check"
                    : "%s scalers of %d channels, refitted on %d stored train steps, equal the manifest's"
                        .formatted(method, channels.size(), trainSteps)
                : LeakageAudit.first(broken)),
        new Check(
            "steps-agree",
            disagreeing.isEmpty(),
            disagreeing.isEmpty()
                ? "steps stored in two segments are equal in both"
                : LeakageAudit.first(disagreeing)));
  }

  /** count, mean, standard deviation, minimum, maximum, quantiles, disagreeing steps. */
  private static final int PER_CHANNEL = 7;

  private void addStatistics(List<Column> statistics, Column value, Column other) {
    statistics.add(count(value));
    statistics.add(avg(value));
    statistics.add(stddev_pop(value));
    statistics.add(min(value));
    statistics.add(max(value));
    // ranks a little to either side of each quartile
    statistics.add(quantiles(value));
    statistics.add(count(when(value.notEqual(other), 1)));
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
