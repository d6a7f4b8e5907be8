package io.sluice.recurrent.optim;

import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * Half a cosine from {@code peak} to {@code floor}: {@code floor + (peak − floor) · (1 + cos(π·p))
 * / 2} with {@code p = (step − start) / (end − start)}, held at {@code peak} before {@code start}
 * and at {@code floor} from {@code end} on. Steps count from 0; epochs play no part.
 *
 * <p><b>Source.</b> Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts",
 * ICLR 2017, equation 5, without restarts.
 *
 * @param peak learning rate at {@code start}
 * @param floor learning rate at {@code end}
 * @param start first step of the decay
 * @param end first step at the floor, after {@code start}
 */
public record CosineDecay(
    @JsonProperty("peak") double peak,
    @JsonProperty("floor") double floor,
    @JsonProperty("start") int start,
    @JsonProperty("end") int end)
    implements ISchedule {

  @JsonCreator
  public CosineDecay {
    if (end <= start) {
      throw new IllegalArgumentException(
          "end is %d, must be after start (%d)".formatted(end, start));
    }
  }

  @Override
  public double valueAt(int iteration, int epoch) {
    double progress = (iteration - start) / (double) (end - start);
    double clamped = Math.min(1, Math.max(0, progress));
    return floor + (peak - floor) * (1 + Math.cos(Math.PI * clamped)) / 2;
  }

  @Override
  @SuppressWarnings("MissingSuperCall") // immutable
  public CosineDecay clone() {
    return this;
  }
}
