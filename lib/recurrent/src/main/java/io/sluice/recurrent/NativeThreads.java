package io.sluice.recurrent;

import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * How many native threads one process computes with: the one place that sets ND4J's own loops,
 * OpenMP and BLAS, which each have a number of their own.
 *
 * <p>A Spark executor that runs several tasks at once wants 1; a lone trainer wants the cores of
 * the machine. The number is the process's, not the caller's thread's.
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
    Nd4j.getEnvironment().setMaxMasterThreads(Math.max(threads, 1));
    Nd4j.getEnvironment().setMaxThreads(threads);
    NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(threads);
    Nd4j.factory().blas().setMaxThreads(threads);
  }
}
