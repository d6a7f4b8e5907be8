/**
 * Recurrent cells over raw memory: what a cell computes, and kernels that compute it.
 *
 * <p>Main type: {@link io.sluice.recurrent.kernel.RecurrentKernel}, one layer's recurrence, forward
 * and backward. {@link io.sluice.recurrent.kernel.CellShape} says which parameters a layer has and
 * where they lie. {@link io.sluice.recurrent.kernel.Kernels} chooses: in float32 training runs on
 * matrix products with a pointwise pass in Java and inference on oneDNN's primitive, which does
 * both in bfloat16. Depends on JavaCPP (memory), oneDNN, and OpenBLAS; knows no ND4J and no DL4J.
 *
 * <p>On which device a layer computes is its thread's: {@link io.sluice.recurrent.kernel.Device}. A
 * GPU's kernels are behind {@link io.sluice.recurrent.kernel.AcceleratorKernels}, found at run
 * time, because nothing here may need CUDA; whatever they lack, the CPU's kernels have.
 *
 * <p>The decision everything here hangs on: memory is time-major, (T, B, ·), so that a time step is
 * one dense matrix, a time chunk is a pointer and a length, and truncated backpropagation, streams
 * with carried state, packed batches and pipelines over time chunks are all the same call.
 * Parameters are laid out as PyTorch lays them out, in one block, with one bias.
 */
package io.sluice.recurrent.kernel;
