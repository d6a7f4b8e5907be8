package io.sluice.training.allreduce;

/** How float32 numbers travel. */
public enum WireFormat {
  /** As they are. */
  F32(Float.BYTES),
  /**
   * bfloat16, rounded to nearest even; a ring rounds at each hop and keeps its sums in float32.
   * Half the bytes, 8 bits of mantissa: an error of up to 2⁻⁹ of each number or partial sum.
   */
  BF16(Short.BYTES);

  private final int bytes;

  WireFormat(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of a number. */
  public int bytes() {
    return bytes;
  }
}
