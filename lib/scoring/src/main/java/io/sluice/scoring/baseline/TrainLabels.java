package io.sluice.scoring.baseline;

import io.sluice.sequences.dataset.Segment;
import java.io.Serializable;
import java.util.Iterator;
import java.util.TreeMap;

/** What the train windows' labels are, taken together. Sums that merge. */
public final class TrainLabels implements Serializable {
  private static final long serialVersionUID = 1L;

  private final TreeMap<Integer, Long> classes = new TreeMap<>();
  private final double cap;
  private double sum;
  private long n;

  /**
   * @param cap of remaining life; larger labels count as it
   */
  public TrainLabels(double cap) {
    this.cap = cap;
  }

  /** Adds the labels of all windows of some segments; unknown ones are left out. */
  public void add(Iterator<Segment> segments) {
    while (segments.hasNext()) {
      Segment segment = segments.next();
      for (int origin : segment.origins()) {
        float label = segment.label()[origin];
        if (!Float.isNaN(label)) {
          n++;
          sum += Math.min(label, cap);
          classes.merge(Math.round(label), 1L, Long::sum);
        }
      }
    }
  }

  public TrainLabels merge(TrainLabels other) {
    n += other.n;
    sum += other.sum;
    other.classes.forEach((label, count) -> classes.merge(label, count, Long::sum));
    return this;
  }

  /** Windows with a label. */
  public long count() {
    return n;
  }

  /** Mean label, capped. */
  public double mean() {
    return sum / n;
  }

  /** (V) each class's share of the windows. */
  public double[] shares(int V) {
    var shares = new double[V];
    classes.forEach((label, count) -> shares[label] = (double) count / n);
    return shares;
  }
}
