package io.sluice.recurrent.kernel;

/** Keeps native memory from batch to batch until it is closed. */
public interface HoldsNativeMemory {
  /** What it holds now, in bytes. */
  long nativeBytes();

  /** Frees what a recurrent layer keeps for the way back over passes that went forward. */
  default void forgetPasses() {}
}
