package io.sluice.recurrent.pipeline;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What every pipeline stage knows of the examples of a micro-batch: the keys that dropout follows
 * from, and where each ends; and the last one, what they should give.
 *
 * @param keys (B), see {@link io.sluice.recurrent.optim.Batch}
 * @param lengths (B) real time steps of each, its first ones; null where all are
 * @param labels as the network's output layer wants them
 * @param labelsMask which labels count; null is all
 */
public record Examples(long[] keys, int[] lengths, INDArray labels, INDArray labelsMask) {

  /** Series that have all their time steps. */
  public Examples(long[] keys, INDArray labels, INDArray labelsMask) {
    this(keys, null, labels, labelsMask);
  }

  /**
   * Where each series ends, of a mask as DL4J has it.
   *
   * @param mask (B, T), 1 where a series has a step; null is everywhere
   * @return (B); null where all have all steps
   * @throws IllegalArgumentException if a series has a step after one that it has not: what a stage
   *     computes after the end of a series has no part in anything, but in a gap it would
   */
  static int[] lengths(INDArray mask) {
    if (mask == null) {
      return null;
    }
    int B = Math.toIntExact(mask.size(0));
    int T = Math.toIntExact(mask.size(1));
    float[] real = mask.castTo(DataType.FLOAT).dup('c').data().asFloat();
    int[] lengths = new int[B];
    boolean areWhole = true;
    for (int b = 0; b < B; b++) {
      for (int t = 0; t < T; t++) {
        if (real[b * T + t] != 0) {
          if (lengths[b] < t) {
            throw new IllegalArgumentException(
                "featuresMask of example %d has step %d but not step %d: a pipeline takes series whose real time steps come first"
                    .formatted(b, t, lengths[b]));
          }
          lengths[b] = t + 1;
        }
      }
      areWhole &= lengths[b] == T;
    }
    return areWhole ? null : lengths;
  }

  /** B. */
  public int size() {
    return keys.length;
  }

  /**
   * The lengths as DL4J wants them.
   *
   * @param T time steps of a series, those after its end among them
   * @return (B, T), 1 where a series has a step; null where all have all
   */
  INDArray mask(int T) {
    if (lengths == null) {
      return null;
    }
    var mask = new float[lengths.length][T];
    for (int b = 0; b < lengths.length; b++) {
      Arrays.fill(mask[b], 0, lengths[b], 1);
    }
    return Nd4j.createFromArray(mask);
  }
}
