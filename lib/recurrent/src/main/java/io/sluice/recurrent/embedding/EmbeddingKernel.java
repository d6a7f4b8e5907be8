package io.sluice.recurrent.embedding;

import org.bytedeco.javacpp.Pointer;

/**
 * Rows of a table by their ids, in memory of one type of number.
 *
 * <pre>{@code
 * y[r]  = factors[r] · W[ids[r]]
 * dW[v] = Σ over r with ids[r] = v:  factors[r] · dy[r]        in the order of r
 * }</pre>
 *
 * <p><b>Shapes.</b> R rows (time steps of sequences), V ids, E numbers; row-major without gaps.
 *
 * <pre>
 * ids      (R)     in: negative leaves the row out
 * factors  (R)     in: null is 1 each
 * W, dW    (V, E)
 * y, dy    (R, E)  y is 0 where a row is left out; what dy is there does not matter
 * </pre>
 *
 * <p>Checked by {@code EmbeddingKernelsTest}.
 */
interface EmbeddingKernel {
  /** Writes {@code y}. */
  void rows(int[] ids, int R, float[] factors, Pointer W, Pointer y);

  /**
   * Adds to {@code dW}. A row whose factors are all 0 is not touched.
   *
   * @param touched takes the ids whose rows were added to; null is nobody
   */
  void addGradient(int[] ids, int R, float[] factors, Pointer dy, Pointer dW, TouchedRows touched);
}
