package io.sluice.recurrent.cuda;

/** A call of CUDA's or cuDNN's failed: which, why, and what to do. */
public final class CudaException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  CudaException(String message) {
    super(message);
  }
}
