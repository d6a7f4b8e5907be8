package io.sluice.recurrent.dropout;

import io.sluice.recurrent.pass.TrainingPass;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Inverted dropout of weights, one mask for all examples and time steps of a step: the same however
 * its batch is cut into ranks, replicas and micro-batches, because it follows from the seed, the
 * step and the layer's name alone.
 *
 * <p>Outside of a {@link TrainingPass}, as in DL4J's {@code fit}, it follows from the state of
 * ND4J's generator.
 *
 * <p><b>Source.</b> Wan et al., "Regularization of neural networks using DropConnect", ICML 2013;
 * on recurrent weights: Merity, Keskar and Socher, "Regularizing and optimizing LSTM language
 * models", 2017, section 2.
 */
public final class WeightDropout {
  private final long layer;
  private final double kept;
  private final int threshold;
  private final int[] block = new int[KeepBits.MOST];
  private final float[] floats = new float[KeepBits.MOST];
  private final double[] doubles = new double[KeepBits.MOST];

  /**
   * @param layer name; layers of one name drop the same
   * @param kept share of weights, in (0, 1)
   * @param seed of the network
   */
  public WeightDropout(String layer, double kept, long seed) {
    if (!(kept > 0 && kept < 1)) {
      throw new IllegalArgumentException("kept is %s, must be in (0, 1)".formatted(kept));
    }
    this.layer = KeepBits.key(KeepBits.of(layer), seed);
    this.kept = kept;
    this.threshold = KeepBits.threshold(kept);
  }

  /** What the mask of the calling thread's pass follows from. */
  public long key() {
    TrainingPass pass = TrainingPass.current();
    return KeepBits.key(layer, pass == null ? Nd4j.getRandom().nextLong() : pass.step());
  }

  /**
   * Multiplies numbers by a mask, in place: weights, or their gradients.
   *
   * @param memory n numbers without gaps
   * @param width bytes of a number, 4 or 8
   * @param key of the mask
   */
  public void multiply(Pointer memory, int n, int width, long key) {
    for (int from = 0; from < n; from += KeepBits.MOST) {
      int length = Math.min(KeepBits.MOST, n - from);
      KeepBits.fill(key, from, threshold, 1, block, 0, length);
      if (width == Float.BYTES) {
        multiply(new FloatPointer(memory).position(from), length);
      } else {
        multiply(new DoublePointer(memory).position(from), length);
      }
    }
  }

  private void multiply(FloatPointer memory, int n) {
    memory.get(floats, 0, n);
    float factor = (float) (1 / kept);
    for (int k = 0; k < n; k++) {
      floats[k] *= factor * block[k];
    }
    memory.put(floats, 0, n);
  }

  private void multiply(DoublePointer memory, int n) {
    memory.get(doubles, 0, n);
    for (int k = 0; k < n; k++) {
      doubles[k] *= block[k] / kept;
    }
    memory.put(doubles, 0, n);
  }
}
