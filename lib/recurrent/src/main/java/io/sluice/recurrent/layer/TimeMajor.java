package io.sluice.recurrent.layer;

import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Between DL4J's (B, N, T) and a kernel's (T, B, N). A DL4J array whose memory is time-major
 * already is taken as it is; others are copied into memory that is kept for the next batch.
 */
public final class TimeMajor {
  private INDArray copy;

  /**
   * @param series (B, N, T), any strides
   * @return memory of (T, B, N), row-major; {@code series}'s own or this object's
   */
  public Pointer of(INDArray series) {
    return memory(steps(series));
  }

  /**
   * @param series (B, N, T), any strides
   * @return dense (T, B, N), over {@code series}'s own memory or this object's
   */
  public INDArray steps(INDArray series) {
    INDArray steps = series.permute(2, 0, 1);
    if (isDense(steps)) {
      return steps;
    }
    if (copy == null || copy.length() < steps.length() || copy.dataType() != steps.dataType()) {
      try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
        copy = Nd4j.createUninitialized(steps.dataType(), steps.length());
      }
    }
    INDArray target =
        Nd4j.create(
            copy.data(),
            steps.shape(),
            new long[] {steps.size(1) * steps.size(2), steps.size(2), 1},
            0,
            'c');
    target.assign(steps);
    return target;
  }

  /** Address of an array's first element. */
  public static Pointer memory(INDArray array) {
    return array.data().addressPointer();
  }

  /** A (B, N, T) view of a dense (T, B, N) array. */
  public static INDArray series(INDArray steps) {
    return steps.permute(1, 2, 0);
  }

  private static boolean isDense(INDArray array) {
    long expected = 1;
    for (int d = array.rank() - 1; d >= 0; d--) {
      if (array.size(d) != 1 && array.stride(d) != expected) {
        return false;
      }
      expected *= array.size(d);
    }
    return true;
  }
}
