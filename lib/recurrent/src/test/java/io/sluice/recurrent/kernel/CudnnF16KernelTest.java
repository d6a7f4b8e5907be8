package io.sluice.recurrent.kernel;

import io.sluice.recurrent.cuda.CudaPrecision;

class CudnnF16KernelTest extends CudnnContract {
  CudnnF16KernelTest() {
    super(CudaPrecision.F16);
  }

  @Override
  double tolerance() {
    // 11 bits: inputs, weights, states and gradients are off by up to 5e-4 of themselves
    return 5e-3;
  }
}
