package io.sluice.recurrent.kernel;

/** Keeps native memory from batch to batch until it is closed. */
public interface HoldsNativeMemory {
  /** What it holds now, in bytes. */
  long nativeBytes();
}
