package io.sluice.recurrent.kernel;

/** In which order a layer reads its time steps. */
public enum Direction {
  /** From the first to the last. */
  FORWARD,
  /** From the last to the first: the initial state enters at the last step. */
  BACKWARD
}
