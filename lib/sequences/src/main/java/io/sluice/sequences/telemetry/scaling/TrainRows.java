package io.sluice.sequences.telemetry.scaling;

import static org.apache.spark.sql.functions.max;

import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.telemetry.source.ReadFailures;
import io.sluice.sequences.telemetry.store.SegmentTable;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;

/**
 * The train split of a written dataset, each step once: a segment's steps from {@link #from} on are
 * those that no segment of its series before it has.
 */
final class TrainRows {
  /** Work on one part. */
  interface PartFunction<R> extends Serializable {
    R apply(Iterator<Segment> segments, Owned owned);
  }

  /** Which steps of a segment are counted in it. */
  static final class Owned implements Serializable {
    private static final long serialVersionUID = 1L;
    private final HashMap<String, TreeMap<Long, Long>> lastTickBefore = new HashMap<>();

    /** The index of the first step that no earlier segment of the series has. */
    int from(Segment segment) {
      Long last = lastTickBefore.get(segment.series()).get(segment.id());
      int n = 0;
      while (n < segment.steps() && segment.times()[n] <= last) {
        n++;
      }
      return n;
    }
  }

  private final SparkSession spark;
  private final String uri;
  private final List<Part> parts;
  private final Owned owned;

  TrainRows(SparkSession spark, SequenceDataset dataset) {
    this.spark = spark;
    this.uri = dataset.uri();
    this.parts = dataset.parts(Split.TRAIN);
    this.owned = parts.isEmpty() ? new Owned() : owned(spark, dataset, parts);
  }

  private static Owned owned(SparkSession spark, SequenceDataset dataset, List<Part> parts) {
    List<Row> ends =
        ReadFailures.guard(
            "the staged dataset " + dataset.uri(),
            () ->
                SegmentTable.of(spark, dataset.uri(), dataset.contract(), parts)
                    .groupBy("series", "segment")
                    .agg(max("tick"))
                    .orderBy("series", "segment")
                    .collectAsList());
    var owned = new Owned();
    String series = null;
    long last = Long.MIN_VALUE;
    for (Row row : ends) {
      if (!row.getString(0).equals(series)) {
        series = row.getString(0);
        last = Long.MIN_VALUE;
      }
      owned.lastTickBefore.computeIfAbsent(series, s -> new TreeMap<>()).put(row.getLong(1), last);
      last = Math.max(last, row.getLong(2));
    }
    return owned;
  }

  /** Applies a function to every part, in parallel; results in the order of the parts. */
  <R> List<R> perPart(PartFunction<R> function) {
    if (parts.isEmpty()) {
      return List.of();
    }
    var hadoop = new SerializableConfiguration(spark.sessionState().newHadoopConf());
    String folder = uri;
    Owned steps = owned;
    // parts go by name: records do not pass Spark's Kryo
    var names = new ArrayList<String>();
    parts.forEach(part -> names.add(part.path()));
    return ReadFailures.guard(
        "the staged dataset " + folder,
        () ->
            JavaSparkContext.fromSparkContext(spark.sparkContext())
                .parallelize(names, names.size())
                .map(
                    name -> {
                      SequenceDataset dataset = SequenceDataset.open(folder, hadoop.value());
                      Part part =
                          dataset.parts(Split.TRAIN).stream()
                              .filter(p -> p.path().equals(name))
                              .findFirst()
                              .orElseThrow();
                      return function.apply(dataset.segments(part), steps);
                    })
                .collect());
  }

  /** Sums up maps by key, in the order of the parts. */
  static <V> Map<String, V> merged(
      List<HashMap<String, V>> perPart, java.util.function.BinaryOperator<V> merge) {
    var all = new TreeMap<String, V>();
    perPart.forEach(part -> part.forEach((key, value) -> all.merge(key, value, merge)));
    return all;
  }
}
