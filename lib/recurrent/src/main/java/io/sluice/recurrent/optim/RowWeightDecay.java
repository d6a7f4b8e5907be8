package io.sluice.recurrent.optim;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * {@link DecoupledWeightDecay} of the rows of an embedding: a row decays in the steps in which it
 * has a gradient, by as much as any weight does in a step; in others it is left alone.
 *
 * <p>That is less decay of rare words than of others. Decaying all rows in every step would visit
 * the whole vocabulary for it, and drive rows that a batch seldom teaches towards zero.
 *
 * <p><b>Source.</b> TensorFlow Addons' {@code DecoupledWeightDecayExtension} does the same with
 * sparse gradients.
 *
 * <p><b>Considered:</b> making up for the steps left out when a row is touched again. It needs the
 * step at which each row was touched last, in checkpoints too, and whoever reads parameters (a
 * validation, a checkpoint, an average) would have to bring all rows up to date before.
 */
public final class RowWeightDecay extends DecoupledWeightDecay {
  private final int rowSize;

  /**
   * @param rate share of a weight that a step at learning rate 1 takes away
   * @param rowSize E, numbers of a row; the parameter is rows one after the other
   */
  public RowWeightDecay(double rate, int rowSize) {
    super(rate);
    this.rowSize = rowSize;
  }

  @JsonCreator
  RowWeightDecay(
      @JsonProperty("coeff") ISchedule coeff,
      @JsonProperty("applyLR") boolean applyLR,
      @JsonProperty("rowSize") int rowSize) {
    super(coeff, applyLR);
    this.rowSize = rowSize;
  }

  /** E, numbers of a row. */
  @JsonProperty("rowSize")
  public int rowSize() {
    return rowSize;
  }

  /** update = update + rate · w in the rows whose update is not zero. */
  @Override
  public void apply(INDArray param, INDArray gradView, double lr, int iteration, int epoch) {
    INDArray w = inRows(param);
    INDArray update = inRows(gradView);
    var ranges = new Ranges();
    ranges.addNonZero(update, new RowBlock(Math.toIntExact(update.length() / rowSize), rowSize));
    if (FloatBlocks.canHold(w) && FloatBlocks.canHold(update)) {
      apply(w, update, ranges, lr, iteration, epoch);
      return;
    }
    double scale = coeff.valueAt(iteration, epoch) * lr;
    for (int k = 0; k < ranges.count(); k++) {
      INDArray row = ranges.view(update, k);
      row.addi(ranges.view(w, k).mul(scale));
    }
  }

  /** A vector over the array, row after row. */
  private static INDArray inRows(INDArray array) {
    return array.rank() == 1 ? array : array.reshape('c', true, array.length());
  }

  /** The same where it is known which rows have an update; only these may be in the ranges. */
  void apply(INDArray w, INDArray update, Ranges ranges, double lr, int iteration, int epoch) {
    ranges.add(update, w, (float) (coeff.valueAt(iteration, epoch) * lr));
  }

  @Override
  @SuppressWarnings("MissingSuperCall")
  public RowWeightDecay clone() {
    return new RowWeightDecay(coeff.clone(), applyLR, rowSize);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RowWeightDecay o && super.equals(o) && rowSize == o.rowSize;
  }

  @Override
  public int hashCode() {
    return 31 * super.hashCode() + rowSize;
  }
}
