package io.sluice.recurrent.optim;

import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * Half a cosine from {@code peak} to {@code floor}, again and again: {@code floor + (peak − floor)
 * · (1 + cos(π·p)) / 2} with {@code p} the share of the current cycle that lies behind a step. The
 * first cycle begins at {@code start} and takes {@code length} steps, each later one {@code
 * multiplier} times the one before; the rate is {@code peak} before {@code start} and at the first
 * step of every cycle, and comes close to {@code floor} at its last. Steps count from 0; epochs
 * play no part.
 *
 * <p><b>Source.</b> Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts",
 * ICLR 2017, equation 5: T_0 is {@code length}, T_mult {@code multiplier}.
 *
 * @param peak learning rate at the start of a cycle
 * @param floor learning rate a cycle falls to
 * @param start first step of the first cycle
 * @param length steps of the first cycle, at least 1
 * @param multiplier of the length from cycle to cycle, at least 1
 */
public record CosineRestarts(
    @JsonProperty("peak") double peak,
    @JsonProperty("floor") double floor,
    @JsonProperty("start") int start,
    @JsonProperty("length") int length,
    @JsonProperty("multiplier") int multiplier)
    implements ISchedule {

  @JsonCreator
  public CosineRestarts {
    if (length < 1) {
      throw new IllegalArgumentException("length is %d, must be at least 1".formatted(length));
    }
    if (multiplier < 1) {
      throw new IllegalArgumentException(
          "multiplier is %d, must be at least 1".formatted(multiplier));
    }
  }

  @Override
  public double valueAt(int iteration, int epoch) {
    long step = Math.max(0, (long) iteration - start);
    long cycle = length;
    if (multiplier == 1) {
      step %= cycle;
    }
    while (step >= cycle) {
      step -= cycle;
      cycle *= multiplier;
    }
    return floor + (peak - floor) * (1 + Math.cos(Math.PI * step / cycle)) / 2;
  }

  @Override
  @SuppressWarnings("MissingSuperCall") // immutable
  public CosineRestarts clone() {
    return this;
  }
}
