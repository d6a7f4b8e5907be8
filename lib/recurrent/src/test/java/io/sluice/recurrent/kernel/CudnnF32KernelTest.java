package io.sluice.recurrent.kernel;

import io.sluice.recurrent.cuda.CudaPrecision;

class CudnnF32KernelTest extends CudnnContract {
  CudnnF32KernelTest() {
    super(CudaPrecision.F32);
  }

  @Override
  double tolerance() {
    // float32 holds 6e-8; products of up to 207 + 207 terms and fast exponentials
    return 3e-6;
  }
}
