package io.sluice.recurrent.optim;

import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * A linear rise over the first steps of any schedule: step t of W has {@code (t + 1) / (W + 1)} of
 * what the schedule says, all later ones the whole. Zero lies just before the first step, because a
 * step at rate zero would be wasted.
 *
 * @param steps W, steps of the rise; 0 is none
 * @param then the schedule that is risen to, read at the same step
 */
public record WarmUp(@JsonProperty("steps") int steps, @JsonProperty("then") ISchedule then)
    implements ISchedule {

  @JsonCreator
  public WarmUp {
    if (steps < 0) {
      throw new IllegalArgumentException("steps is %d, must be at least 0".formatted(steps));
    }
  }

  @Override
  public double valueAt(int iteration, int epoch) {
    double share = iteration < steps ? (iteration + 1) / (double) (steps + 1) : 1;
    return share * then.valueAt(iteration, epoch);
  }

  @Override
  @SuppressWarnings("MissingSuperCall")
  public WarmUp clone() {
    return new WarmUp(steps, then.clone());
  }
}
