package io.sluice.recurrent.head;

import io.sluice.recurrent.kernel.HoldsNativeMemory;
import org.bytedeco.javacpp.Pointer;

/**
 * Softmax and cross-entropy over V classes of a linear map, in memory of one type of number.
 *
 * <pre>{@code
 * z[r]   = W·x[r] + bias                      logits
 * p[r]   = exp(z[r]) / Σ exp(z[r])            probabilities
 * nll[r] = −ln p[r, ids[r]]
 * }</pre>
 *
 * <p>Or the probabilities are those of an {@link AdaptiveSoftmax}, in the same shapes.
 *
 * <p><b>Shapes.</b> R rows (time steps of sequences, in any order), H inputs; row-major without
 * gaps.
 *
 * <pre>
 * ids         (R)                in: class of each row; negative leaves the row out
 * parameters  W (V, H), bias (V)  in; bias only where there is one
 * x           (R, H)             in
 * nll         (R)                out: nats; 0 where left out
 * </pre>
 *
 * <p>A row that is left out has no effect, whatever is in it. Rows do not meet, but in the gradient
 * of the parameters: NaN in one stays in it.
 */
interface VocabularyKernel extends HoldsNativeMemory, AutoCloseable {
  /** Writes {@code nll}; the probabilities are nowhere in memory at once. */
  void losses(int[] ids, VocabularyMemory parameters, Pointer x, double[] nll);

  /**
   * Writes {@code nll} and the gradients of {@code Σ factors[r]·nll[r]}.
   *
   * @param factors (R) read where a row is not left out
   * @param dx (R, H) overwritten; 0 where a row is left out
   * @param dParameters overwritten with the sum over rows
   */
  void gradients(
      int[] ids,
      double[] factors,
      VocabularyMemory parameters,
      Pointer x,
      double[] nll,
      Pointer dx,
      VocabularyMemory dParameters);

  /**
   * @param mask (R) false at rows whose probabilities are to be 0; null is none
   * @param p (R, V) overwritten
   */
  void probabilities(int R, boolean[] mask, VocabularyMemory parameters, Pointer x, Pointer p);

  @Override
  default long nativeBytes() {
    return 0;
  }

  @Override
  default void close() {}
}
