package io.sluice.recurrent.optim;

import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A flat array's numbers between native memory and the heap, with nothing in between: a copy by
 * {@code dup} is native memory that stays until the next garbage collection.
 */
public final class FlatFloats {
  private FlatFloats() {}

  /**
   * A copy on the heap.
   *
   * @param array float32 without gaps; null has no numbers
   */
  public static float[] of(INDArray array) {
    if (array == null) {
      return new float[0];
    }
    var values = new float[Math.toIntExact(array.length())];
    pointer(array).get(values);
    return values;
  }

  /**
   * Overwrites an array.
   *
   * @param array float32 without gaps, as many as there are values
   */
  public static void put(float[] values, INDArray array) {
    if (values.length != array.length()) {
      throw new IllegalArgumentException(
          "values has length %d, expected %d".formatted(values.length, array.length()));
    }
    pointer(array).put(values);
  }

  private static FloatPointer pointer(INDArray array) {
    if (!FloatBlocks.canHold(array)) {
      throw new IllegalArgumentException(
          "array is %s with element stride %d, expected FLOAT with 1"
              .formatted(array.dataType(), array.elementWiseStride()));
    }
    return new FloatPointer(array.data().addressPointer());
  }
}
