package io.sluice.sequences.telemetry.scaling;

import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.source.ReadFailures;
import io.sluice.sequences.telemetry.store.StoredSegment;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaSparkContext;
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

  TrainRows(SparkSession spark, SequenceDataset dataset, List<StoredSegment> segments) {
    this.spark = spark;
    this.uri = dataset.uri();
    this.parts = dataset.parts(Split.TRAIN);
    this.owned = owned(segments);
  }

  private static Owned owned(List<StoredSegment> segments) {
    var owned = new Owned();
    StoredSegment before = null;
    for (StoredSegment segment : segments) {
      if (segment.split() == Split.TRAIN) {
        owned
            .lastTickBefore
            .computeIfAbsent(segment.series(), s -> new TreeMap<>())
            .put(
                segment.id(),
                before != null && segment.isNeighbourOf(before)
                    ? before.lastTick()
                    : Long.MIN_VALUE);
        before = segment;
      }
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
