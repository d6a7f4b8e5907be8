package io.sluice.recurrent.embedding;

import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What {@link AdversarialInput} adds to the rows of a batch. Its memory is kept. */
final class Perturbation {
  private final double epsilon;
  private INDArray memory;

  /** (T, B, E) over the memory; null moves nothing. */
  private INDArray r;

  /** By sequence: ε · σ. */
  private double[] lengths = {};

  Perturbation(double epsilon) {
    this.epsilon = epsilon;
  }

  /**
   * Keeps what the rows measure.
   *
   * @param y (T, B, E)
   * @param ids (T·B) of the words; negative where there is none
   */
  void measure(INDArray y, int[] ids) {
    int T = (int) y.size(0);
    int B = (int) y.size(1);
    double[] norms = y.norm2(0, 2).toDoubleVector();
    lengths = new double[B];
    for (int b = 0; b < B; b++) {
      int words = 0;
      for (int t = 0; t < T; t++) {
        words += ids[t * B + b] >= 0 ? 1 : 0;
      }
      lengths[b] = words == 0 ? 0 : epsilon * norms[b] / Math.sqrt((double) words * y.size(2));
    }
  }

  /**
   * @param dy (T, B, E), gradient of the rows measured; not kept
   */
  void aim(INDArray dy) {
    double[] norms = dy.norm2(0, 2).toDoubleVector();
    double[] factors = new double[norms.length];
    for (int b = 0; b < factors.length; b++) {
      factors[b] = norms[b] == 0 ? 0 : lengths[b] / norms[b];
    }
    try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      if (memory == null || memory.length() < dy.length()) {
        memory = Nd4j.createUninitialized(dy.dataType(), dy.length());
      }
      r = Nd4j.create(memory.data(), dy.shape(), Nd4j.getStrides(dy.shape(), 'c'), 0, 'c');
      INDArray each = Nd4j.createFromArray(factors).castTo(dy.dataType());
      dy.mul(each.reshape(1, factors.length, 1), r);
    }
  }

  /** Moves nothing: the batch measured has no gradient that comes down to the rows. */
  void rest() {
    r = null;
  }

  /**
   * @param y (T, B, E), the rows of the batch that was aimed at
   */
  void addTo(INDArray y) {
    if (r != null) {
      y.addi(r);
    }
  }
}
