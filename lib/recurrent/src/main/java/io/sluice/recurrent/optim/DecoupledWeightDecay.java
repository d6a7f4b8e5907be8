package io.sluice.recurrent.optim;

import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.regularization.WeightDecay;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.linalg.schedule.MapSchedule;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * Weight decay that bypasses the optimizer's moments: {@code w ← w − update − learningRate · rate ·
 * w}, which makes {@link Adam} AdamW.
 *
 * <p>The step is DL4J's own {@link WeightDecay} with {@code applyLR}. What differs is the loss:
 * DL4J adds {@code rate · ‖w‖² / 2} to the reported score, a term whose gradient this method does
 * not follow; here the reported loss is the loss on the data, comparable with and without decay.
 *
 * <p><b>Source.</b> Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019,
 * algorithm 2, with the scheduled learning rate as multiplier, as in PyTorch's AdamW.
 */
public sealed class DecoupledWeightDecay extends WeightDecay permits RowWeightDecay {
  /**
   * @param rate share of a weight that a step at learning rate 1 takes away
   */
  public DecoupledWeightDecay(double rate) {
    super(rate, true);
  }

  /**
   * Of a weight that is frozen before a step.
   *
   * @param firstStep from which on it decays
   * @param rate share of it that a step at learning rate 1 takes away
   */
  public static DecoupledWeightDecay from(int firstStep, double rate) {
    return firstStep == 0
        ? new DecoupledWeightDecay(rate)
        : new DecoupledWeightDecay(
            new MapSchedule(ScheduleType.ITERATION, Map.of(0, 0.0, firstStep, rate)), true);
  }

  /** The same of an embedding's rows. */
  public RowWeightDecay ofRows(int rowSize) {
    return new RowWeightDecay(coeff.clone(), applyLR, rowSize);
  }

  @JsonCreator
  DecoupledWeightDecay(
      @JsonProperty("coeff") ISchedule coeff, @JsonProperty("applyLR") boolean applyLR) {
    super(coeff, applyLR);
  }

  @Override
  public double score(INDArray param, int iteration, int epoch) {
    return 0;
  }

  @Override
  @SuppressWarnings("MissingSuperCall")
  public DecoupledWeightDecay clone() {
    return new DecoupledWeightDecay(coeff.clone(), applyLR);
  }
}
