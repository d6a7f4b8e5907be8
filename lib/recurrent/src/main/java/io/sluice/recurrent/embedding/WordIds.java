package io.sluice.recurrent.embedding;

import io.sluice.recurrent.kernel.FloatMemory;
import io.sluice.recurrent.layer.TimeMajor;
import java.lang.ref.Reference;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Reads ids (B, 1, T) into the order of a kernel's rows: row t·B + b is time step t of sequence b.
 * Makes no object for an id.
 */
final class WordIds {
  private final TimeMajor inputs = new TimeMajor();
  private final FloatMemory memory = new FloatMemory();
  private float[] values = new float[0];

  /**
   * @param layer name
   * @param V words
   * @param input (B, 1, T), any strides and type
   * @param mask (B, T); null is all
   * @param ids (T·B) out: −1 where masked
   */
  void read(String layer, int V, INDArray input, INDArray mask, int[] ids) {
    int B = (int) input.size(0);
    int T = (int) input.size(2);
    requireMask(layer, mask, B, T);
    float[] numbers = numbers(exact(layer, input), T * B);
    for (int r = 0; r < T * B; r++) {
      ids[r] = (int) numbers[r];
      // a float32 of -0.5 or NaN becomes 0, which it is not equal to
      if (ids[r] != numbers[r] || ids[r] < 0 || ids[r] >= V) {
        ids[r] = Integer.MIN_VALUE;
      }
    }
    if (mask != null) {
      float[] real = numbers(mask.castTo(DataType.FLOAT).reshape(B, 1, T), T * B);
      for (int r = 0; r < T * B; r++) {
        ids[r] = real[r] == 0 ? -1 : ids[r];
      }
    }
    for (int r = 0; r < T * B; r++) {
      if (ids[r] == Integer.MIN_VALUE) {
        throw new IllegalArgumentException(
            "Id for layer %s at sequence %d, time step %d is %s, must be a whole number from 0 to %d; mask it if there is none"
                .formatted(layer, r % B, r / B, number(input.getDouble(r % B, 0, r / B)), V - 1));
      }
    }
  }

  /** Rounding makes no id of a vocabulary of a whole number that is none. */
  private static INDArray exact(String layer, INDArray input) {
    if (input.dataType().isNumerical()) {
      return input.castTo(DataType.FLOAT);
    }
    throw new IllegalArgumentException(
        "Input of layer %s has data type %s, expected numbers".formatted(layer, input.dataType()));
  }

  private float[] numbers(INDArray series, int n) {
    if (values.length < n) {
      values = new float[n];
    }
    memory.at(inputs.of(series), n).get(0, values, n);
    Reference.reachabilityFence(series); // its memory is read by address
    return values;
  }

  private static void requireMask(String layer, INDArray mask, int B, int T) {
    if (mask != null && (mask.rank() != 2 || mask.size(0) != B || mask.size(1) != T)) {
      throw new IllegalArgumentException(
          "Mask of layer %s has shape %s, expected (B, T) = (%d, %d)"
              .formatted(layer, Arrays.toString(mask.shape()), B, T));
    }
  }

  private static String number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }
}
