/**
 * Recurrent layers on NVIDIA GPUs, by cuDNN.
 *
 * <p>Main type: {@link io.sluice.recurrent.cuda.CudnnStack}, a stack of alike layers whose weights
 * and activations stay on the device: per pass the first layer's input and the last layer's output
 * cross the bus, backward their gradients, and per update the parameters and their gradients.
 * {@link io.sluice.recurrent.cuda.CudnnKernel} is one layer in one direction behind the contract of
 * the CPU kernels. {@link io.sluice.recurrent.cuda.Cuda#problem} says whether and why not a GPU can
 * be used, and {@link io.sluice.recurrent.cuda.GpuCheck} proves on a machine that has one that
 * results are those of the float64 reference and measures what they cost. {@link
 * io.sluice.recurrent.cuda.CudaKernels} gives all of it to {@code recurrent.kernel}, which chooses.
 *
 * <p>It is a package of its own because nothing else may need it: CUDA 13 and cuDNN 9 come from the
 * machine, not from this project, and a machine without them must not notice. No other class of
 * CUDA's bindings is touched before {@code Cuda.problem()} is empty. Depends on {@code
 * recurrent.kernel} (cells, shapes, the contract), JavaCPP and the bindings; knows no ND4J and no
 * DL4J.
 *
 * <p>The decision everything here hangs on: memory at the border is the host's and float32,
 * whatever the device multiplies in, so that a GPU is a drop-in for a CPU kernel, and master
 * weights, optimizer and heads stay where they are.
 *
 * <p>A training step of recurrent layers is a thousand small launches, which cost more than the
 * arithmetic wherever layers have fewer than about a thousand units: passes that repeat are
 * recorded and replayed as CUDA graphs, unless queueing them is found to be faster.
 *
 * <p>Considered: fused kernels of our own for peephole and layer-norm LSTMs, which cuDNN lacks.
 * They are refused with a message that names the CPU kernel instead.
 */
package io.sluice.recurrent.cuda;
