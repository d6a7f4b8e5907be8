package io.sluice.recurrent.optim;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * An average of the weights, which often validates better than the last weights do: an exponential
 * moving one, or, with β = 1, the mean.
 *
 * <pre>{@code
 * a ← a + (1 − β) / (1 − β^t) · (w − a)        t-th update, from 1; with β = 1: 1 / t
 * }</pre>
 *
 * <p>That is the average Σ β^(t−k)·w_k over k ≤ t with its weights divided by their sum: what is
 * usually written as an average from zero and a bias correction after it, in one formula. The
 * weights before the first step have no part in it; after the first update it is w.
 *
 * <p>In float32 an update of less than half a unit in the last place of an average is lost, so it
 * ends within 6e-8 / (1 − β) of the weights, relatively: with β = 0.999, 6e-5.
 *
 * <p>The same weights in the same order give the same bits.
 *
 * <p><b>Source.</b> Kingma and Ba, "Adam", ICLR 2015, section 7.2, after Polyak and Juditsky,
 * "Acceleration of stochastic approximation by averaging", 1992.
 *
 * <p><b>Considered:</b> beginning with the first weights and no correction, as PyTorch's {@code
 * AveragedModel} does: random weights would count β^t after t steps, 37 % of them after 1000 with β
 * = 0.999.
 */
public final class WeightAverage {
  private final double decay;
  private final INDArray average;
  private long updates;

  /**
   * @param decay β, in (0, 1]; about the last 1 / (1 − β) steps count
   * @param parameters (P) whose like it is of; not read
   */
  public WeightAverage(double decay, INDArray parameters) {
    if (!(decay > 0 && decay <= 1)) {
      throw new IllegalArgumentException("decay is %s, must be in (0, 1]".formatted(decay));
    }
    this.decay = decay;
    try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      this.average = Nd4j.create(DataType.FLOAT, parameters.length());
    }
  }

  /** Takes in the weights after a step. */
  public void add(INDArray parameters) {
    requireLength(parameters);
    updates++;
    float share =
        (float) (decay == 1 ? 1.0 / updates : (1 - decay) / (1 - Math.pow(decay, updates)));
    var averages = new FloatBlocks(average);
    var weights = new FloatBlocks(parameters);
    float[] a = new float[FloatBlocks.SIZE];
    float[] w = new float[FloatBlocks.SIZE];
    long P = average.length();
    for (long from = 0; from < P; from += FloatBlocks.SIZE) {
      int n = FloatBlocks.sizeAt(from, P);
      averages.get(from, a, n);
      weights.get(from, w, n);
      step(a, w, n, share);
      averages.put(from, a, n);
    }
  }

  private static void step(float[] a, float[] w, int n, float share) {
    for (int k = 0; k < n; k++) {
      a[k] += share * (w[k] - a[k]);
    }
  }

  /**
   * Puts the average where the weights are and the weights where the average was: once before
   * weights are judged or saved, and once after.
   */
  public void swapWith(INDArray parameters) {
    requireLength(parameters);
    var averages = new FloatBlocks(average);
    var weights = new FloatBlocks(parameters);
    float[] a = new float[FloatBlocks.SIZE];
    float[] w = new float[FloatBlocks.SIZE];
    long P = average.length();
    for (long from = 0; from < P; from += FloatBlocks.SIZE) {
      int n = FloatBlocks.sizeAt(from, P);
      averages.get(from, a, n);
      weights.get(from, w, n);
      averages.put(from, w, n);
      weights.put(from, a, n);
    }
  }

  /**
   * Goes on from what was saved.
   *
   * @param average (P)
   */
  public void restore(float[] average, long updates) {
    FlatFloats.put(average, this.average);
    this.updates = updates;
  }

  /** (P), the average itself: zeros before the first update. */
  public INDArray average() {
    return average;
  }

  /** t, updates so far. */
  public long updates() {
    return updates;
  }

  private void requireLength(INDArray array) {
    if (array.length() != average.length()) {
      throw new IllegalArgumentException(
          "The array has %d numbers, expected one a parameter, %d"
              .formatted(array.length(), average.length()));
    }
  }
}
