package io.sluice.recurrent.cuda;

import static org.bytedeco.cuda.global.cudnn.CUDNN_DATA_BFLOAT16;
import static org.bytedeco.cuda.global.cudnn.CUDNN_DATA_FLOAT;
import static org.bytedeco.cuda.global.cudnn.CUDNN_DATA_HALF;
import static org.bytedeco.cuda.global.cudnn.CUDNN_DEFAULT_MATH;
import static org.bytedeco.cuda.global.cudnn.CUDNN_FMA_MATH;
import static org.bytedeco.cuda.global.cudnn.CUDNN_TENSOR_OP_MATH;

/**
 * In which precision a GPU stores and multiplies. Sums are float32 in all of them, and so is the
 * memory at a kernel's border.
 */
public enum CudaPrecision {
  /** float32 throughout, by fused multiply-add: no tensor cores. */
  F32("f32"),

  /** Stored in float32; factors of products rounded to 10 bits of mantissa on tensor cores. */
  TF32("tf32"),

  /**
   * Stored and multiplied in bfloat16, 7 bits of mantissa and the range of float32: input, weights,
   * states and all gradients.
   */
  BF16("bf16"),

  /**
   * Stored and multiplied in IEEE half precision, 10 bits of mantissa, nothing above 65504 and
   * little below 6e-8: gradients need a loss scale.
   */
  F16("f16");

  private final String label;

  CudaPrecision(String label) {
    this.label = label;
  }

  /** As a person reads it. */
  public String label() {
    return label;
  }

  /** Bytes of an element on the device. */
  int elementBytes() {
    return isHalf() ? Short.BYTES : Float.BYTES;
  }

  /** Whether elements have 16 bits on the device. */
  boolean isHalf() {
    return this == BF16 || this == F16;
  }

  int dataType() {
    return switch (this) {
      case F32, TF32 -> CUDNN_DATA_FLOAT;
      case BF16 -> CUDNN_DATA_BFLOAT16;
      case F16 -> CUDNN_DATA_HALF;
    };
  }

  int mathType() {
    return switch (this) {
      case F32 -> CUDNN_FMA_MATH;
      case TF32 -> CUDNN_DEFAULT_MATH;
      case BF16, F16 -> CUDNN_TENSOR_OP_MATH;
    };
  }
}
