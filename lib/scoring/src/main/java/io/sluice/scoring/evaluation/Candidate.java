package io.sluice.scoring.evaluation;

import java.io.Serializable;
import java.util.Comparator;

/**
 * A document whose words may be weighed.
 *
 * @param distance how far it is from what is looked for; 0 = it is that
 * @param draw a hash of its name: of equal distances the smallest comes first
 * @param document its number in stored order
 * @param label class index; −1 = none
 * @param predicted class index
 * @param ids its tokens
 */
record Candidate(
    double distance, long draw, long document, String name, int label, int predicted, int[] ids)
    implements Serializable, Comparable<Candidate> {
  private static final Comparator<Candidate> ORDER =
      Comparator.comparingDouble(Candidate::distance)
          .thenComparingLong(Candidate::draw)
          .thenComparingLong(Candidate::document);

  @Override
  public int compareTo(Candidate other) {
    return ORDER.compare(this, other);
  }
}
