package io.sluice.scoring.evaluation;

import io.sluice.sequences.dataset.TimeAxis;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Predicted against actual for the page: the first series by name, and of each a bounded number of
 * pieces. A piece is a forecast of H steps, or the single value at an origin.
 */
final class Tracks implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final long MICROS_PER_MILLI = 1000;

  private final int mostSeries;
  private final int mostPieces;
  private final long apart;
  private final TreeMap<String, TreeMap<Long, Piece>> series = new TreeMap<>();

  /**
   * @param times (H) ticks
   * @param actual (H·K) NaN where unknown, index h·K + k
   * @param lower null where there is no interval
   */
  record Piece(long[] times, float[] actual, float[] predicted, float[] lower, float[] upper)
      implements Serializable {}

  /**
   * @param mostPieces of a series
   * @param apart least ticks from one origin to the next, so that forecasts do not overlap
   */
  Tracks(int mostSeries, int mostPieces, long apart) {
    this.mostSeries = mostSeries;
    this.mostPieces = mostPieces;
    this.apart = apart;
  }

  /** Whether a piece from this origin would be kept; origins of a series come in time order. */
  boolean wants(String name, long origin) {
    TreeMap<Long, Piece> pieces = series.get(name);
    if (pieces == null) {
      return series.size() < mostSeries
          || (mostSeries > 0 && name.compareTo(series.lastKey()) < 0);
    }
    return pieces.size() < mostPieces && origin >= pieces.lastKey() + apart;
  }

  void add(String name, long origin, Piece piece) {
    series.computeIfAbsent(name, s -> new TreeMap<>()).put(origin, piece);
    trim();
  }

  Tracks merge(Tracks other) {
    other.series.forEach(
        (name, pieces) -> series.computeIfAbsent(name, s -> new TreeMap<>()).putAll(pieces));
    series.values().forEach(this::thin);
    trim();
    return this;
  }

  // parts meet at a seam: drop what would overlap there
  private void thin(TreeMap<Long, Piece> pieces) {
    long next = Long.MIN_VALUE;
    int kept = 0;
    for (var it = pieces.keySet().iterator(); it.hasNext(); ) {
      long origin = it.next();
      if (origin < next || kept == mostPieces) {
        it.remove();
      } else {
        next = origin + apart;
        kept++;
      }
    }
  }

  private void trim() {
    while (series.size() > mostSeries) {
      series.pollLastEntry();
    }
  }

  /** One track a series and channel. */
  List<EvaluationReport.Track> report(TimeAxis time, List<String> channels, boolean withOrigins) {
    var tracks = new ArrayList<EvaluationReport.Track>();
    for (Map.Entry<String, TreeMap<Long, Piece>> entry : series.entrySet()) {
      for (int k = 0; k < channels.size(); k++) {
        tracks.add(track(time, entry.getKey(), entry.getValue(), channels, k, withOrigins));
      }
    }
    return tracks;
  }

  private static EvaluationReport.Track track(
      TimeAxis time,
      String name,
      TreeMap<Long, Piece> pieces,
      List<String> channels,
      int k,
      boolean withOrigins) {
    boolean ordinal = time.type() == TimeAxis.Type.ORDINAL;
    boolean banded = pieces.values().stream().anyMatch(p -> p.lower() != null);
    List<Long> times = new ArrayList<>();
    List<Double> actual = new ArrayList<>();
    List<Double> predicted = new ArrayList<>();
    List<Double> lower = banded ? new ArrayList<>() : null;
    List<Double> upper = banded ? new ArrayList<>() : null;
    for (Piece piece : pieces.values()) {
      for (int h = 0; h < piece.times().length; h++) {
        int at = h * channels.size() + k;
        times.add(shown(piece.times()[h], ordinal));
        actual.add(orNull(piece.actual()[at]));
        predicted.add(orNull(piece.predicted()[at]));
        if (banded) {
          lower.add(orNull(piece.lower()[at]));
          upper.add(orNull(piece.upper()[at]));
        }
      }
    }
    List<Long> origins =
        withOrigins ? pieces.keySet().stream().map(o -> shown(o, ordinal)).toList() : null;
    return new EvaluationReport.Track(
        name, channels.get(k), ordinal, times, actual, predicted, lower, upper, origins);
  }

  private static long shown(long ticks, boolean ordinal) {
    return ordinal ? ticks : Math.floorDiv(ticks, MICROS_PER_MILLI);
  }

  // a float's own decimal, not the digits of its double
  private static Double orNull(float value) {
    return Float.isFinite(value) ? Double.valueOf(Float.toString(value)) : null;
  }
}
