package io.sluice.recurrent.kernel;

import io.sluice.recurrent.cuda.CudaPrecision;

class CudnnF32KernelTest extends CudnnContract {
  CudnnF32KernelTest() {
    super(CudaPrecision.F32);
  }

  @Override
  double tolerance() {
    // float32 holds 6e-8; products of up to 207 + 207 terms, and exponentials good to about 4e-6 in
    // cuDNN's persistent kernels
    return 6e-6;
  }
}
