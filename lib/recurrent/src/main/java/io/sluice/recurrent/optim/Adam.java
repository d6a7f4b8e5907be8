package io.sluice.recurrent.optim;

import java.util.Map;
import java.util.Objects;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.schedule.FixedSchedule;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * Adam as its authors and PyTorch define it. At step t, counted from 1, with gradient g:
 *
 * <pre>{@code
 * m = β1 · m + (1 − β1) · g              v = β2 · v + (1 − β2) · g²
 * w = w − rate(t) · m̂ / (√v̂ + ε)         m̂ = m / (1 − β1^t),  v̂ = v / (1 − β2^t)
 * }</pre>
 *
 * <p>With {@link DecoupledWeightDecay} beside it, it is AdamW.
 *
 * <p><b>Rows</b> of an embedding, where there are some, move only in steps in which they have a
 * gradient: a row whose gradient is all zero keeps m, v and w as they are. (The formulas above
 * would shrink m and v and go on moving w by what m is left of earlier steps.) t counts all steps.
 * So does PyTorch's {@code SparseAdam}, but for ε, which is added before the bias is corrected
 * there. It follows from the gradient, wherever the network is trained; beside it stands {@link
 * RowWeightDecay}.
 *
 * <p>The state is m | v, laid out as that of DL4J's optimizer of this name: a network trained with
 * one goes on with the other.
 *
 * <p><b>Source.</b> Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015,
 * algorithm 1.
 *
 * <p><b>Considered:</b> DL4J's {@link org.nd4j.linalg.learning.config.Adam}. It adds ε to √v before
 * the bias is corrected: at the first step ε weighs 32 times as much, and parameters with gradients
 * around ε end elsewhere than PyTorch's. It also takes four to seven times as long.
 */
public final class Adam implements IUpdater {
  private static final long serialVersionUID = 1L;

  private ISchedule learningRate;
  private final double beta1;
  private final double beta2;
  private final double epsilon;

  /** Null is none. */
  private final RowBlock rows;

  /** With the authors' β1 = 0.9, β2 = 0.999, ε = 1e-8. */
  public Adam(ISchedule learningRate) {
    this(learningRate, null);
  }

  /**
   * With the authors' β1 = 0.9, β2 = 0.999, ε = 1e-8.
   *
   * @param rows that move only where they have a gradient; null is none
   */
  public Adam(ISchedule learningRate, RowBlock rows) {
    this(learningRate, 0.9, 0.999, 1e-8, rows);
  }

  /** Without rows. */
  public Adam(ISchedule learningRate, double beta1, double beta2, double epsilon) {
    this(learningRate, beta1, beta2, epsilon, null);
  }

  /**
   * @param learningRate by step
   * @param beta1 what the mean of gradients keeps of itself at a step, in [0, 1)
   * @param beta2 the same of the mean of squares
   * @param epsilon added to the root of the mean of squares, above 0
   * @param rows that move only where they have a gradient; null is none
   */
  @JsonCreator
  public Adam(
      @JsonProperty("learningRate") ISchedule learningRate,
      @JsonProperty("beta1") double beta1,
      @JsonProperty("beta2") double beta2,
      @JsonProperty("epsilon") double epsilon,
      @JsonProperty("rows") RowBlock rows) {
    this.learningRate = Objects.requireNonNull(learningRate, "learningRate");
    this.beta1 = share("beta1", beta1);
    this.beta2 = share("beta2", beta2);
    this.epsilon = epsilon;
    this.rows = rows;
    if (!(epsilon > 0)) {
      throw new IllegalArgumentException("epsilon is %s, must be above 0".formatted(epsilon));
    }
  }

  private static double share(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException("%s is %s, must be in [0, 1)".formatted(name, value));
    }
    return value;
  }

  double beta1() {
    return beta1;
  }

  double beta2() {
    return beta2;
  }

  double epsilon() {
    return epsilon;
  }

  /** Rows that move only where they have a gradient; null is none. */
  RowBlock rows() {
    return rows;
  }

  @Override
  public long stateSize(long numParams) {
    return 2 * numParams;
  }

  @Override
  public GradientUpdater<Adam> instantiate(INDArray viewArray, boolean initializeViewArray) {
    var updater = new AdamUpdater(this);
    long[] shape = {1, viewArray.length() / 2};
    updater.setStateViewArray(viewArray, shape, viewArray.ordering(), initializeViewArray);
    return updater;
  }

  @Override
  public GradientUpdater<Adam> instantiate(
      Map<String, INDArray> updaterState, boolean initializeStateArrays) {
    var updater = new AdamUpdater(this);
    updater.setState(updaterState, initializeStateArrays);
    return updater;
  }

  @Override
  public double getLearningRate(int iteration, int epoch) {
    return learningRate.valueAt(iteration, epoch);
  }

  @Override
  public boolean hasLearningRate() {
    return true;
  }

  @Override
  public void setLrAndSchedule(double lr, ISchedule lrSchedule) {
    learningRate = lrSchedule == null ? new FixedSchedule(lr) : lrSchedule;
  }

  @Override
  @SuppressWarnings("MissingSuperCall")
  public Adam clone() {
    return new Adam(learningRate.clone(), beta1, beta2, epsilon, rows);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Adam o
        && o.learningRate.equals(learningRate)
        && o.beta1 == beta1
        && o.beta2 == beta2
        && o.epsilon == epsilon
        && Objects.equals(o.rows, rows);
  }

  @Override
  public int hashCode() {
    return Objects.hash(learningRate, beta1, beta2, epsilon, rows);
  }

  @Override
  public String toString() {
    return "Adam(%s, %s, %s, %s%s)"
        .formatted(learningRate, beta1, beta2, epsilon, rows == null ? "" : ", " + rows);
  }
}
