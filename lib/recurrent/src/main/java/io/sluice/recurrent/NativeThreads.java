package io.sluice.recurrent;

import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * How many native threads one process computes with: the one place that sets ND4J's own loops,
 * OpenMP and BLAS, which each have a number of their own.
 *
 * <p>A Spark executor that runs several tasks at once wants 1, and so does any process on a machine
 * with other work: threads of one operation wait for each other by spinning, and one that has no
 * core makes all of them wait. A training step of one LSTM layer (B=64, T=96, I=7, H=64) took 0.24
 * s with one thread and 10 s with two while other processes kept both cores of a machine busy. The
 * number is the process's, not the caller's thread's.
 */
public final class NativeThreads {
  private NativeThreads() {}

  /**
   * @param threads at least 1
   */
  public static void set(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads is %d, must be at least 1".formatted(threads));
    }
    // in this order: master threads above the maximum are refused
    Nd4j.getEnvironment().setMaxThreads(threads);
    Nd4j.getEnvironment().setMaxMasterThreads(threads);
    NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(threads);
    Nd4j.factory().blas().setMaxThreads(threads);
  }
}
