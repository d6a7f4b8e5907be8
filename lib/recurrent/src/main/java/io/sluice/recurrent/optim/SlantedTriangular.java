package io.sluice.recurrent.optim;

import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * A short straight rise from {@code floor} to {@code peak} and a long straight fall back: a network
 * that begins with the weights of another is to come quickly to a suitable region, and to refine
 * itself there. Steps count from 0; epochs play no part.
 *
 * <pre>{@code
 * rate(t) = floor + p · (peak − floor),   p = t / cut                       t < cut
 *                                         p = 1 − (t − cut) / (end − cut)   after that
 * }</pre>
 *
 * <p><b>Source.</b> Howard and Ruder, "Universal Language Model Fine-tuning for Text
 * Classification", ACL 2018, equation 3, with {@code floor = peak / ratio} and {@code cut = ⌊end ·
 * cut_frac⌋}. Its fall is over {@code cut · (1 / cut_frac − 1)} steps, fewer than there are where
 * the cut was rounded down; the rate of a short run would go below zero.
 *
 * @param peak learning rate at {@code cut}
 * @param floor learning rate at step 0 and from {@code end} on
 * @param cut step at the peak; 0 only falls
 * @param end first step after the fall, after {@code cut}
 */
public record SlantedTriangular(
    @JsonProperty("peak") double peak,
    @JsonProperty("floor") double floor,
    @JsonProperty("cut") int cut,
    @JsonProperty("end") int end)
    implements ISchedule {

  @JsonCreator
  public SlantedTriangular {
    if (cut < 0 || end <= cut) {
      throw new IllegalArgumentException(
          "cut is %d and end %d, must be 0 <= cut < end".formatted(cut, end));
    }
  }

  @Override
  public double valueAt(int iteration, int epoch) {
    double share =
        iteration < cut
            ? (double) iteration / cut
            : 1 - Math.min(1, (iteration - cut) / (double) (end - cut));
    return floor + share * (peak - floor);
  }

  @Override
  @SuppressWarnings("MissingSuperCall") // immutable
  public SlantedTriangular clone() {
    return this;
  }
}
