package io.sluice.recurrent.kernel;

import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;

/**
 * Matrix products over off-heap float32 memory, row-major: {@code C = op(A)·op(B) + beta·C} with
 * op(A) of (M, K) and op(B) of (K, N); rows lie without gaps.
 */
enum Gemm {
  /** oneDNN's. */
  ONE_DNN {
    @Override
    void multiply(
        boolean transposeA,
        boolean transposeB,
        int M,
        int N,
        int K,
        FloatPointer A,
        FloatPointer B,
        float beta,
        FloatPointer C) {
      int status =
          dnnl.dnnl_sgemm(
              (byte) (transposeA ? 'T' : 'N'),
              (byte) (transposeB ? 'T' : 'N'),
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
      if (status != dnnl.dnnl_success) {
        throw new IllegalStateException(
            "oneDNN's sgemm of M=%d, N=%d, K=%d failed with status %d".formatted(M, N, K, status));
      }
    }
  },

  /** OpenBLAS's, which ND4J brings: where oneDNN does not load. */
  OPEN_BLAS {
    @Override
    void multiply(
        boolean transposeA,
        boolean transposeB,
        int M,
        int N,
        int K,
        FloatPointer A,
        FloatPointer B,
        float beta,
        FloatPointer C) {
      openblas.cblas_sgemm(
          openblas.CblasRowMajor,
          transposeA ? openblas.CblasTrans : openblas.CblasNoTrans,
          transposeB ? openblas.CblasTrans : openblas.CblasNoTrans,
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
  };

  /** {@code to = fromᵀ}, {@code from} of (rows, columns). LAPACK's, which ND4J brings. */
  static void transpose(int rows, int columns, FloatPointer from, FloatPointer to) {
    // from row-major to column-major
    openblas.LAPACKE_sge_trans(openblas.LAPACK_ROW_MAJOR, rows, columns, from, columns, to, rows);
  }

  abstract void multiply(
      boolean transposeA,
      boolean transposeB,
      int M,
      int N,
      int K,
      FloatPointer A,
      FloatPointer B,
      float beta,
      FloatPointer C);
}
