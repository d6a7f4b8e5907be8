/**
 * Recurrent training and inference side by side: our network, stock DL4J and libtorch.
 *
 * <p>Main type: {@link io.sluice.benchmarks.recurrent.RecurrentBenchmark}, whose Javadoc has the
 * question and the command; {@link io.sluice.benchmarks.recurrent.LanguageModelBenchmark} asks it
 * of a whole language model, embedding and softmax included. A {@link
 * io.sluice.benchmarks.recurrent.Contestant} is one side; each runs in a process of its own ({@link
 * io.sluice.benchmarks.recurrent.ContestantProcess}), because libtorch and ND4J bring two versions
 * of one BLAS, and because peak memory is a process's. The processes take turns, so at any time one
 * of them computes and the others wait for a line of text.
 *
 * <p>Parameters and inputs come from {@link io.sluice.benchmarks.recurrent.Workload} by seed, named
 * and ordered as in PyTorch; what the contestants predict with them, and the gradient of each
 * parameter, must agree before anything is timed. So a workload has to be one that float32 can
 * agree on: not chaotic over its time steps.
 *
 * <p>Depends on {@code recurrent.model}, DL4J and, in the process that is libtorch's alone, on
 * libtorch. A class used there ({@code Workload}, {@code Contestant} and what they hold) may depend
 * on the JDK only.
 */
package io.sluice.benchmarks.recurrent;
