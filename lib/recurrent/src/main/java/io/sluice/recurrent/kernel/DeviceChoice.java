package io.sluice.recurrent.kernel;

/** {@code device}: where a person wants recurrent layers to compute. */
public enum DeviceChoice {
  /** On a GPU where there is one that can be used, else on the CPU. */
  AUTO,
  /** On the CPU; nobody looks for a GPU. */
  CPU,
  /** On a GPU, or not at all. */
  GPU
}
