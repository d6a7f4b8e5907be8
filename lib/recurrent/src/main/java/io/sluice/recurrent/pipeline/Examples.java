package io.sluice.recurrent.pipeline;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What every pipeline stage knows of the examples of a micro-batch: the keys that dropout follows
 * from; and the last one, what they should give.
 *
 * @param keys (B), see {@link io.sluice.recurrent.optim.Batch}
 * @param labels as the network's output layer wants them
 * @param labelsMask which labels count; null is all
 */
public record Examples(long[] keys, INDArray labels, INDArray labelsMask) {

  /** B. */
  public int size() {
    return keys.length;
  }
}
