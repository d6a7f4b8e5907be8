package io.sluice.recurrent.kernel;

import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;

/**
 * Matrix products over off-heap float32 memory, row-major: {@code C = scale·op(A)·op(B) + beta·C}
 * with op(A) of (M, K) and op(B) of (K, N). With a beta of 0 nothing of C is read.
 */
public enum Gemm implements MatrixProducts {
  /** oneDNN's: nearly twice as fast as OpenBLAS's where M is some tens. */
  ONE_DNN {
    @Override
    public void multiply(
        boolean transposeA,
        boolean transposeB,
        int M,
        int N,
        int K,
        float scale,
        FloatPointer A,
        int lda,
        FloatPointer B,
        int ldb,
        float beta,
        FloatPointer C,
        int ldc) {
      int status =
          dnnl.dnnl_sgemm(
              (byte) (transposeA ? 'T' : 'N'),
              (byte) (transposeB ? 'T' : 'N'),
              M,
              N,
              K,
              scale,
              A,
              lda,
              B,
              ldb,
              beta,
              C,
              ldc);
      if (status != dnnl.dnnl_success) {
        throw new IllegalStateException(
            "oneDNN's sgemm of M=%d, N=%d, K=%d failed with status %d".formatted(M, N, K, status));
      }
    }
  },

  /** OpenBLAS's, which ND4J brings: where oneDNN does not load. */
  OPEN_BLAS {
    @Override
    public void multiply(
        boolean transposeA,
        boolean transposeB,
        int M,
        int N,
        int K,
        float scale,
        FloatPointer A,
        int lda,
        FloatPointer B,
        int ldb,
        float beta,
        FloatPointer C,
        int ldc) {
      openblas.cblas_sgemm(
          openblas.CblasRowMajor,
          transposeA ? openblas.CblasTrans : openblas.CblasNoTrans,
          transposeB ? openblas.CblasTrans : openblas.CblasNoTrans,
          M,
          N,
          K,
          scale,
          A,
          lda,
          B,
          ldb,
          beta,
          C,
          ldc);
    }
  };

  private static final Gemm HERE = OneDnn.problem().isEmpty() ? ONE_DNN : OPEN_BLAS;

  /** The fastest that runs here. */
  public static Gemm here() {
    return HERE;
  }

  /**
   * C = scale·op(A)·op(B) + beta·C; {@code lda}, {@code ldb}, {@code ldc} are the distances between
   * rows as they lie in memory.
   */
  public abstract void multiply(
      boolean transposeA,
      boolean transposeB,
      int M,
      int N,
      int K,
      float scale,
      FloatPointer A,
      int lda,
      FloatPointer B,
      int ldb,
      float beta,
      FloatPointer C,
      int ldc);

  @Override
  public String label() {
    return "f32 over " + (this == ONE_DNN ? "oneDNN" : "OpenBLAS");
  }

  @Override
  public final void multiply(
      boolean transposeA,
      boolean transposeB,
      int M,
      int N,
      int K,
      FloatPointer A,
      FloatPointer B,
      float beta,
      FloatPointer C) {
    multiply(
        transposeA,
        transposeB,
        M,
        N,
        K,
        1,
        A,
        transposeA ? M : K,
        B,
        transposeB ? K : N,
        beta,
        C,
        N);
  }

  /** {@code to = fromᵀ}, {@code from} of (rows, columns). LAPACK's, which ND4J brings. */
  static void transpose(int rows, int columns, FloatPointer from, FloatPointer to) {
    // from row-major to column-major
    openblas.LAPACKE_sge_trans(openblas.LAPACK_ROW_MAJOR, rows, columns, from, columns, to, rows);
  }
}
