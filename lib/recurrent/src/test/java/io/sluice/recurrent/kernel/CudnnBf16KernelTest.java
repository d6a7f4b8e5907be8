package io.sluice.recurrent.kernel;

import io.sluice.recurrent.cuda.CudaPrecision;

class CudnnBf16KernelTest extends CudnnContract {
  CudnnBf16KernelTest() {
    super(CudaPrecision.BF16);
  }

  @Override
  double tolerance() {
    // bfloat16 has 8 bits: inputs, weights, states and gradients are off by up to 4e-3 of
    // themselves
    return 4e-2;
  }
}
