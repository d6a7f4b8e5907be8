package io.sluice.scoring.evaluation;

import io.sluice.sequences.dataset.TimeAxis;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Predicted against actual for the page: the first series by name, and of each a bounded number of
 * pieces: the first origin in each cell of a fixed raster of times, so that the choice does not
 * depend on which task saw what. A piece is a forecast of H steps, or the single value at an
 * origin.
 */
final class Tracks implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final long MICROS_PER_MILLI = 1000;

  private final int mostSeries;
  private final int mostPieces;
  private final long apart;
  private final TreeMap<String, TreeMap<Long, Piece>> series = new TreeMap<>();

  /**
   * @param origin ticks
   * @param times (H) ticks
   * @param actual (H·K) NaN where unknown, index h·K + k
   * @param lower null where there is no interval
   */
  record Piece(
      long origin, long[] times, float[] actual, float[] predicted, float[] lower, float[] upper)
      implements Serializable {
    Piece earlier(Piece other) {
      return other.origin < origin ? other : this;
    }
  }

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
      return series.size() < mostSeries || (mostSeries > 0 && name.compareTo(series.lastKey()) < 0);
    }
    return pieces.size() < mostPieces && !pieces.containsKey(Math.floorDiv(origin, apart));
  }

  void add(String name, Piece piece) {
    series
        .computeIfAbsent(name, s -> new TreeMap<>())
        .put(Math.floorDiv(piece.origin(), apart), piece);
    trim();
  }

  Tracks merge(Tracks other) {
    other.series.forEach(
        (name, theirs) -> {
          TreeMap<Long, Piece> pieces = series.computeIfAbsent(name, s -> new TreeMap<>());
          theirs.forEach((cell, piece) -> pieces.merge(cell, piece, Piece::earlier));
          while (pieces.size() > mostPieces) {
            pieces.pollLastEntry();
          }
        });
    trim();
    return this;
  }

  // the first origin after a gap may come late in its cell and reach into the next cell's piece,
  // which starts on time: the late one goes
  private List<Piece> apart(TreeMap<Long, Piece> pieces) {
    var kept = new ArrayList<Piece>();
    for (Piece piece : pieces.values()) {
      int last = kept.size() - 1;
      if (last >= 0 && piece.origin() < kept.get(last).origin() + apart) {
        kept.set(last, piece);
      } else {
        kept.add(piece);
      }
    }
    return kept;
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
      List<Piece> pieces = apart(entry.getValue());
      for (int k = 0; k < channels.size(); k++) {
        tracks.add(track(time, entry.getKey(), pieces, channels, k, withOrigins));
      }
    }
    return tracks;
  }

  private static EvaluationReport.Track track(
      TimeAxis time,
      String name,
      List<Piece> pieces,
      List<String> channels,
      int k,
      boolean withOrigins) {
    boolean ordinal = time.type() == TimeAxis.Type.ORDINAL;
    boolean banded = pieces.stream().anyMatch(p -> p.lower() != null);
    List<Long> times = new ArrayList<>();
    List<Double> actual = new ArrayList<>();
    List<Double> predicted = new ArrayList<>();
    List<Double> lower = banded ? new ArrayList<>() : null;
    List<Double> upper = banded ? new ArrayList<>() : null;
    for (Piece piece : pieces) {
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
        withOrigins ? pieces.stream().map(p -> shown(p.origin(), ordinal)).toList() : null;
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
