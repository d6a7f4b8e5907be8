package io.sluice.recurrent.optim;

import java.util.List;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * A rate that was lowered each time the validation loss stood still: {@code max(floor, peak ·
 * factorⁿ)} with n the reductions up to a step.
 *
 * <p>Whether the loss stands still is judged by who trains, after an epoch; the outcome is written
 * down here, so that the rate is a function of the step like any other schedule's and a resumed run
 * has the same one. {@link GlobalNormClipping#setLearningRate} puts a newer history into a network.
 *
 * @param peak learning rate before the first reduction
 * @param factor of a reduction, in (0, 1]
 * @param floor the rate never falls below this, at most {@code peak}
 * @param reductions the first step at each lower rate
 */
public record PlateauDecay(
    @JsonProperty("peak") double peak,
    @JsonProperty("factor") double factor,
    @JsonProperty("floor") double floor,
    @JsonProperty("reductions") List<Integer> reductions)
    implements ISchedule {

  @JsonCreator
  public PlateauDecay {
    reductions = List.copyOf(reductions);
    if (!(factor > 0 && factor <= 1)) {
      throw new IllegalArgumentException("factor is %s, must be in (0, 1]".formatted(factor));
    }
    if (!(floor <= peak)) {
      throw new IllegalArgumentException(
          "floor is %s, must be at most peak (%s)".formatted(floor, peak));
    }
  }

  @Override
  public double valueAt(int iteration, int epoch) {
    long reduced = reductions.stream().filter(step -> step <= iteration).count();
    return Math.max(floor, peak * Math.pow(factor, reduced));
  }

  @Override
  @SuppressWarnings("MissingSuperCall") // immutable
  public PlateauDecay clone() {
    return this;
  }
}
