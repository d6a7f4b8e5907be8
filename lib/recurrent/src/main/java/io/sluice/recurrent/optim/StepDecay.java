package io.sluice.recurrent.optim;

import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * A rate that falls in stairs: {@code peak · factorⁿ} with n = 0 in the first {@code first} steps
 * and one more after each further {@code every} steps. With {@code first = every} it is DL4J's
 * {@code StepSchedule}. Steps count from 0; epochs play no part.
 *
 * @param peak learning rate of the first steps
 * @param factor of each stair, in (0, 1]
 * @param first steps at the peak, at least 1
 * @param every steps of each later stair, at least 1
 */
public record StepDecay(
    @JsonProperty("peak") double peak,
    @JsonProperty("factor") double factor,
    @JsonProperty("first") int first,
    @JsonProperty("every") int every)
    implements ISchedule {

  @JsonCreator
  public StepDecay {
    if (first < 1 || every < 1) {
      throw new IllegalArgumentException(
          "first is %d and every %d, each must be at least 1".formatted(first, every));
    }
    if (!(factor > 0 && factor <= 1)) {
      throw new IllegalArgumentException("factor is %s, must be in (0, 1]".formatted(factor));
    }
  }

  @Override
  public double valueAt(int iteration, int epoch) {
    int stairs = iteration < first ? 0 : 1 + (iteration - first) / every;
    return peak * Math.pow(factor, stairs);
  }

  @Override
  @SuppressWarnings("MissingSuperCall") // immutable
  public StepDecay clone() {
    return this;
  }
}
