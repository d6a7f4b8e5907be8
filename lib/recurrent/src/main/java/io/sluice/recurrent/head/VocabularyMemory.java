package io.sluice.recurrent.head;

import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Where the parameters of an output over classes lie, or their gradients.
 *
 * @param W (V, H), row-major; of an adaptive softmax all that it has, as {@link AdaptiveShape} says
 * @param bias (V); null is none, and of an adaptive softmax in W
 */
record VocabularyMemory(Pointer W, Pointer bias) {
  /**
   * W and bias one behind the other.
   *
   * @param weights V·H
   * @param width bytes of a number, 4 or 8
   */
  static VocabularyMemory together(Pointer memory, long weights, boolean hasBias, int width) {
    return new VocabularyMemory(memory, hasBias ? at(memory, weights, width) : null);
  }

  /** The memory {@code numbers} further on, or back. */
  static Pointer at(Pointer memory, long numbers, int width) {
    return width == Float.BYTES
        ? new FloatPointer(memory).getPointer(numbers)
        : new DoublePointer(memory).getPointer(numbers);
  }
}
