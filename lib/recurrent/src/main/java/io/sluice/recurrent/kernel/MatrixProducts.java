package io.sluice.recurrent.kernel;

import org.bytedeco.javacpp.FloatPointer;

/**
 * Matrix products over off-heap float32 memory, row-major without gaps: {@code C = op(A)·op(B) +
 * beta·C} with op(A) of (M, K) and op(B) of (K, N). With a beta of 0 nothing of C is read.
 */
public interface MatrixProducts extends AutoCloseable {
  /**
   * Products in bfloat16 where this CPU multiplies it, in float32 otherwise.
   *
   * @param precision F32 for float32 everywhere
   */
  static MatrixProducts of(Precision precision) {
    return areBf16(precision) ? new Bf16Products() : Gemm.here();
  }

  /** Whether {@link #of} gives products in bfloat16. */
  static boolean areBf16(Precision precision) {
    return precision == Precision.BF16 && OneDnn.multipliesBf16();
  }

  /**
   * @param beta 0 or 1
   */
  void multiply(
      boolean transposeA,
      boolean transposeB,
      int M,
      int N,
      int K,
      FloatPointer A,
      FloatPointer B,
      float beta,
      FloatPointer C);

  /**
   * The same by a B that stays as it is until {@link #weightsChanged}: for small M, where getting
   * it ready costs as much as the product.
   */
  default void multiplyByWeights(
      boolean transposeB,
      int M,
      int N,
      int K,
      FloatPointer A,
      FloatPointer B,
      float beta,
      FloatPointer C) {
    multiply(false, transposeB, M, N, K, A, B, beta, C);
  }

  /** A matrix that stays as it is. */
  interface Held extends AutoCloseable {
    /** From here on it may change. */
    @Override
    void close();
  }

  /**
   * Says that a matrix stays as it is while what comes back is open: products by all of it, and
   * then by rows of it, may get it ready once.
   *
   * @param numbers of it, without gaps
   */
  default Held hold(FloatPointer matrix, long numbers) {
    return () -> {};
  }

  /** Says that matrices given as weights are no longer what they were. */
  default void weightsChanged() {}

  /** Whether a B that lies transposed costs no more than one that does not. */
  default boolean takesTransposedWell() {
    return false;
  }

  /** Precision and library, for a person. */
  String label();

  /** Off-heap memory that it holds. */
  default long nativeBytes() {
    return 0;
  }

  @Override
  default void close() {}
}
