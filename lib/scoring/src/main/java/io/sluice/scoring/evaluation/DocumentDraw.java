package io.sluice.scoring.evaluation;

import java.io.Serializable;
import java.util.List;
import java.util.TreeSet;

/** The first few of all candidates, whatever the order they come in; parts merge. */
final class DocumentDraw implements Serializable {
  private static final long serialVersionUID = 1L;

  private final int most;
  private final TreeSet<Candidate> first = new TreeSet<>();

  /**
   * @param most documents kept; 0 keeps none
   */
  DocumentDraw(int most) {
    this.most = most;
  }

  /** Whether a candidate may be among the first: asked before one is made. */
  boolean wants(double distance, long draw) {
    if (first.size() < most) {
      return true;
    }
    return most > 0
        && (distance < first.last().distance()
            || distance == first.last().distance() && draw <= first.last().draw());
  }

  void add(Candidate candidate) {
    first.add(candidate);
    if (first.size() > most) {
      first.pollLast();
    }
  }

  void merge(DocumentDraw other) {
    other.first.forEach(this::add);
  }

  /** In order. */
  List<Candidate> first() {
    return List.copyOf(first);
  }
}
