package io.sluice.recurrent.optim;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A 64-bit hash of float32 numbers bit by bit, cheap enough to be taken of all parameters now and
 * then: replicas that agree have the same, and replicas that differ, in the last bit of one number
 * or in the sign of a zero, have another but once in 2⁶⁴.
 *
 * <p>It is FNV-1a over words of 32 bits in four lanes, which do not wait for each other, joined and
 * mixed by the finalizer of SplitMix64. It is no protection against somebody who wants a collision.
 */
public final class ParameterHash {
  private static final long PRIME = 0x100000001B3L;
  private static final long BASIS = 0xCBF29CE484222325L;

  private ParameterHash() {}

  /**
   * @param parameters float32 without gaps; their shape has no part in the hash
   */
  public static long of(INDArray parameters) {
    var blocks = new FloatBlocks(parameters);
    float[] block = new float[FloatBlocks.SIZE];
    long[] lanes = {BASIS, BASIS + 1, BASIS + 2, BASIS + 3};
    long length = parameters.length();
    for (long from = 0; from < length; from += FloatBlocks.SIZE) {
      int n = FloatBlocks.sizeAt(from, length);
      blocks.get(from, block, n);
      add(block, n, lanes);
    }
    long hash = length;
    for (long lane : lanes) {
      hash = mix(hash ^ lane);
    }
    return hash;
  }

  private static void add(float[] block, int n, long[] lanes) {
    long a = lanes[0];
    long b = lanes[1];
    long c = lanes[2];
    long d = lanes[3];
    int k = 0;
    for (; k + 4 <= n; k += 4) {
      a = next(a, block[k]);
      b = next(b, block[k + 1]);
      c = next(c, block[k + 2]);
      d = next(d, block[k + 3]);
    }
    // only the last block has a rest
    for (; k < n; k++) {
      a = next(a, block[k]);
    }
    lanes[0] = a;
    lanes[1] = b;
    lanes[2] = c;
    lanes[3] = d;
  }

  private static long next(long hash, float value) {
    // the shift brings high bits down, which a product never does
    long mixed = (hash ^ Float.floatToRawIntBits(value)) * PRIME;
    return mixed ^ (mixed >>> 32);
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
