package io.sluice.training.allreduce;

/** How the numbers of an array that is sent around the ring are written. */
public enum WireFormat {
  /** As they are. */
  F32(Float.BYTES),
  /**
   * bfloat16, rounded to nearest even at each hop; sums are kept in float32. Half the bytes, 8 bits
   * of mantissa: an error of up to 2⁻⁹ of each partial sum.
   */
  BF16(Short.BYTES);

  private final int bytes;

  WireFormat(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of a number. */
  int bytes() {
    return bytes;
  }
}
