package io.sluice.recurrent.embedding;

import io.sluice.recurrent.kernel.FloatMemory;
import io.sluice.recurrent.layer.TimeChunk;
import io.sluice.recurrent.layer.TimeMajor;
import java.lang.ref.Reference;
import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Reads ids (B, 1, T) into the order of a kernel's rows: row t·B + b is time step t of sequence b.
 * Makes no object for an id.
 */
final class WordIds {
  /** No id of the vocabulary. */
  private static final int NONE = Integer.MIN_VALUE;

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
    toIds(numbers(exact(layer, input), T * B), T * B, V, ids);
    if (mask != null) {
      float[] real = numbers(mask.castTo(DataType.FLOAT).reshape(B, 1, T), T * B);
      for (int r = 0; r < T * B; r++) {
        ids[r] = real[r] == 0 ? -1 : ids[r];
      }
    }
    for (int r = 0; r < T * B; r++) {
      if (ids[r] == NONE) {
        throw bad(layer, V, r % B, r / B, input.getDouble(r % B, 0, r / B));
      }
    }
  }

  /**
   * @param layer name
   * @param V words
   * @param steps (T, B) float32 of a chunk
   * @param ids (T·B) out: −1 after a sequence's end
   */
  void read(String layer, int V, Pointer steps, TimeChunk chunk, int[] ids) {
    int B = chunk.examples();
    float[] numbers = room(chunk.rows());
    memory.at(steps, chunk.rows()).get(0, numbers, chunk.rows());
    toIds(numbers, chunk.rows(), V, ids);
    for (int r = 0; r < chunk.rows(); r++) {
      if (r / B >= chunk.realSteps(r % B)) {
        ids[r] = -1;
      } else if (ids[r] == NONE) {
        throw bad(layer, V, r % B, chunk.firstStep() + r / B, numbers[r]);
      }
    }
  }

  private static void toIds(float[] numbers, int n, int V, int[] ids) {
    for (int r = 0; r < n; r++) {
      ids[r] = (int) numbers[r];
      // a float32 of -0.5 or NaN becomes 0, which it is not equal to
      if (ids[r] != numbers[r] || ids[r] < 0 || ids[r] >= V) {
        ids[r] = NONE;
      }
    }
  }

  private static IllegalArgumentException bad(String layer, int V, int b, int t, double value) {
    return new IllegalArgumentException(
        "Id for layer %s at sequence %d, time step %d is %s, must be a whole number from 0 to %d; mask it if there is none"
            .formatted(layer, b, t, number(value), V - 1));
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
    memory.at(inputs.of(series), n).get(0, room(n), n);
    Reference.reachabilityFence(series); // its memory is read by address
    return values;
  }

  private float[] room(int n) {
    if (values.length < n) {
      values = new float[n];
    }
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
