package io.sluice.recurrent.kernel;

import com.fasterxml.jackson.annotation.JsonProperty;

/** In which precision a kernel multiplies. Memory at its border is float32 in all. */
public enum Precision {
  /** float32 throughout. */
  @JsonProperty("f32")
  F32,

  /**
   * Factors of products rounded to 10 bits of mantissa where a GPU can, all else in float32;
   * float32 on a CPU.
   */
  @JsonProperty("tf32")
  TF32,

  /**
   * Factors of products rounded to bfloat16: inputs, weights, hidden states and, from 600 units on,
   * gradients of gates. Sums, cell state, bias and all gradients that come out are float32; the
   * caller keeps float32 parameters. A GPU rounds states and gradients too.
   */
  @JsonProperty("bf16")
  BF16,

  /**
   * Stored and multiplied in IEEE half precision on a GPU, nothing above 65504: gradients need a
   * loss scale. float32 on a CPU, with a warning.
   */
  @JsonProperty("f16")
  F16
}
