package io.sluice.recurrent.optim;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a step does to flat arrays: in ranges of them, on several threads, where they are float32
 * without gaps, and by ND4J's operations on the whole where they are not (float64 in gradient
 * checks). Both give the same bits.
 */
final class ArrayWork {
  private ArrayWork() {}

  /**
   * array = array · factor.
   *
   * @param ranges outside of which nothing is done; null is all of it
   */
  static void scale(INDArray array, Ranges ranges, double factor, Sections sections) {
    if (ranges == null && !FloatBlocks.canHold(array)) {
      array.muli(factor);
    } else {
      sections.each(allOf(array, ranges), part -> part.scale(array, factor));
    }
  }

  /**
   * array = array + other.
   *
   * @param ranges outside of which nothing is done; null is all of it
   */
  static void add(INDArray array, INDArray other, Ranges ranges, Sections sections) {
    if (ranges == null && !(FloatBlocks.canHold(array) && FloatBlocks.canHold(other))) {
      array.addi(other);
    } else {
      sections.each(allOf(array, ranges), part -> part.add(array, other, 1));
    }
  }

  /**
   * array = array − other.
   *
   * @param ranges outside of which nothing is done; null is all of it
   */
  static void subtract(INDArray array, INDArray other, Ranges ranges, Sections sections) {
    if (ranges == null && !(FloatBlocks.canHold(array) && FloatBlocks.canHold(other))) {
      array.subi(other);
    } else {
      sections.each(allOf(array, ranges), part -> part.add(array, other, -1));
    }
  }

  /** The ranges; all of an array where there are none. */
  static Ranges allOf(INDArray array, Ranges ranges) {
    return ranges == null ? Ranges.upTo(array.length()) : ranges;
  }
}
