package io.sluice.recurrent.head;

import org.bytedeco.javacpp.FloatPointer;

/** Places in off-heap memory. */
final class Addresses {
  private Addresses() {}

  /** The memory {@code elements} numbers further on. */
  static FloatPointer at(FloatPointer start, long elements) {
    return elements == 0 ? start : start.getPointer(elements);
  }
}
