package io.sluice.recurrent.kernel;

import com.fasterxml.jackson.annotation.JsonProperty;

/** In which precision a kernel multiplies. Memory at its border is float32 in both. */
public enum Precision {
  /** float32 throughout. */
  @JsonProperty("f32")
  F32,

  /**
   * Inputs, weights and hidden states rounded to bfloat16, sums, cell state, bias and all gradients
   * in float32; the caller keeps float32 parameters.
   */
  @JsonProperty("bf16")
  BF16
}
