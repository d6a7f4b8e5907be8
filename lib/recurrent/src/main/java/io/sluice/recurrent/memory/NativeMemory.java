package io.sluice.recurrent.memory;

import java.io.Serializable;

/**
 * Memory off the Java heap that training is planned to take, part by part.
 *
 * @param parameters bytes, as all that follow
 * @param optimizer its state
 * @param gradients of all parameters
 * @param kernels of all recurrent layers
 * @param activations of all layers
 * @param besides what no array accounts for
 */
public record NativeMemory(
    long parameters, long optimizer, long gradients, long kernels, long activations, long besides)
    implements Serializable {

  /** All of it. */
  public long total() {
    return parameters + optimizer + gradients + kernels + activations + besides;
  }

  /** As a person reads it in a message. */
  public String text() {
    return "%,d MiB: parameters %,d, optimizer %,d, gradients %,d, recurrent layers %,d, activations %,d, besides %,d"
        .formatted(
            mebibytes(total()),
            mebibytes(parameters),
            mebibytes(optimizer),
            mebibytes(gradients),
            mebibytes(kernels),
            mebibytes(activations),
            mebibytes(besides));
  }

  /** Rounded up. */
  public static long mebibytes(long bytes) {
    return (bytes + (1 << 20) - 1) >> 20;
  }
}
