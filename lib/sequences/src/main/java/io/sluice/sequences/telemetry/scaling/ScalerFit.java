package io.sluice.sequences.telemetry.scaling;

import io.sluice.config.ConfigReader;
import io.sluice.sequences.dataset.Scaler;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.telemetry.SequenceSettings.Scaling;
import io.sluice.sequences.telemetry.SequenceSettings.ScalingMethod;
import io.sluice.sequences.telemetry.SequenceSettings.ScalingScope;
import io.sluice.sequences.telemetry.store.StoredSegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.spark.sql.SparkSession;

/**
 * Fits scalers on the train rows of a written dataset.
 *
 * <pre>
 * standard   center = mean, scale = standard deviation (of the population, as in scikit-learn)
 * min-max    center = minimum, scale = maximum − minimum
 * robust     center = median, scale = third − first quartile, both by linear interpolation
 * </pre>
 *
 * <p>A scale of zero (a constant channel) becomes 1, with a warning.
 */
public final class ScalerFit {
  private static final String ALL = "";
  private static final double[] QUARTILES = {0.25, 0.5, 0.75};

  private ScalerFit() {}

  /**
   * Fits.
   *
   * @param segments what the dataset holds, in order
   * @param warnings takes constant and unobserved channels
   */
  public static WindowContract.Scaling fit(
      SparkSession spark,
      SequenceDataset staged,
      List<StoredSegment> segments,
      Scaling scaling,
      List<String> warnings) {
    WindowContract contract = staged.contract();
    String method = ConfigReader.kebab(scaling.method());
    if (scaling.method() == ScalingMethod.NONE) {
      return new WindowContract.Scaling(method, scaling.window(), Map.of(), Map.of());
    }
    boolean bySeries = scaling.scope() == ScalingScope.SERIES;
    var rows = new TrainRows(spark, staged, segments);
    List<String> channels = contract.channels();
    Map<String, Moments[]> moments = moments(rows, channels.size(), bySeries);
    Map<String, double[][]> quartiles =
        scaling.method() == ScalingMethod.ROBUST
            ? Quartiles.of(rows, channels.size(), bySeries, moments, QUARTILES)
            : Map.of();
    var global = new TreeMap<String, Scaler>();
    var perSeries = new TreeMap<String, Map<String, Scaler>>();
    var constant = new TreeSet<String>();
    moments.forEach(
        (series, ofSeries) -> {
          var scalers = new TreeMap<String, Scaler>();
          for (int c = 0; c < channels.size(); c++) {
            double[] quartile = quartiles.isEmpty() ? null : quartiles.get(series)[c];
            Scaler scaler = scaler(scaling.method(), ofSeries[c], quartile);
            String where = series.equals(ALL) ? "" : " in series " + series;
            if (ofSeries[c].count == 0) {
              warnings.add(
                  "Channel %s%s has no value in the train split; it is not scaled."
                      .formatted(channels.get(c), where));
            } else if (ofSeries[c].min == ofSeries[c].max) {
              constant.add(channels.get(c) + where);
            }
            scalers.put(channels.get(c), scaler);
          }
          if (series.equals(ALL)) {
            global.putAll(scalers);
          } else {
            perSeries.put(series, scalers);
          }
        });
    for (String name : constant) {
      warnings.add(
          "Channel %s is constant in the train split; its scale is set to 1. It teaches nothing: leave it out of features.channels."
              .formatted(name));
    }
    return new WindowContract.Scaling(method, scaling.window(), global, perSeries);
  }

  private static Scaler scaler(ScalingMethod method, Moments moments, double[] quartile) {
    if (moments.count == 0) {
      return Scaler.IDENTITY;
    }
    double center =
        switch (method) {
          case STANDARD -> moments.mean;
          case MIN_MAX -> moments.min;
          case ROBUST -> quartile[1];
          case NONE -> 0;
        };
    double scale =
        switch (method) {
          case STANDARD -> moments.standardDeviation();
          case MIN_MAX -> (double) moments.max - moments.min;
          case ROBUST -> quartile[2] - quartile[0];
          case NONE -> 1;
        };
    return new Scaler(center, scale > 0 ? scale : 1, moments.count);
  }

  /** Moments per channel, over all series under the empty name, and per series if wanted. */
  private static Map<String, Moments[]> moments(TrainRows rows, int channels, boolean bySeries) {
    List<HashMap<String, Moments[]>> perPart =
        rows.perPart((segments, owned) -> momentsOf(segments, owned, channels, bySeries));
    var ordered = new ArrayList<HashMap<String, Moments[]>>(perPart);
    Map<String, Moments[]> merged =
        TrainRows.merged(
            ordered,
            (a, b) -> {
              for (int c = 0; c < channels; c++) {
                a[c].merge(b[c]);
              }
              return a;
            });
    merged.computeIfAbsent(ALL, k -> empty(channels));
    return merged;
  }

  private static HashMap<String, Moments[]> momentsOf(
      Iterator<Segment> segments, TrainRows.Owned owned, int channels, boolean bySeries) {
    var moments = new HashMap<String, Moments[]>();
    moments.put(ALL, empty(channels));
    while (segments.hasNext()) {
      Segment segment = segments.next();
      int from = owned.from(segment);
      add(moments.get(ALL), segment, from);
      if (bySeries) {
        add(moments.computeIfAbsent(segment.series(), s -> empty(channels)), segment, from);
      }
    }
    moments.values().forEach(all -> java.util.Arrays.stream(all).forEach(Moments::settled));
    return moments;
  }

  private static void add(Moments[] moments, Segment segment, int from) {
    for (int c = 0; c < moments.length; c++) {
      moments[c].add(segment.values()[c], from);
    }
  }

  private static Moments[] empty(int channels) {
    var moments = new Moments[channels];
    java.util.Arrays.setAll(moments, c -> new Moments());
    return moments;
  }
}
