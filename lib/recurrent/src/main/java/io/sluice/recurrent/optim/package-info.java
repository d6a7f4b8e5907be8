/**
 * How parameters move: Adam, learning-rate schedules, clipping to a global gradient norm, decoupled
 * weight decay, layers that learn at rates of their own from steps of their own on ({@link
 * io.sluice.recurrent.optim.LayerGroup}), each as a DL4J setting that is written into a model's
 * JSON; and an average of the parameters ({@link io.sluice.recurrent.optim.WeightAverage}).
 *
 * <p>Main types: {@link io.sluice.recurrent.optim.GlobalNormClipping} and {@link
 * io.sluice.recurrent.optim.TrainingStep}, which takes one step, on {@link
 * io.sluice.recurrent.optim.Replicas} if several threads share it, and through a {@link
 * io.sluice.recurrent.optim.GradientExchange} if several processes do; in half precision with a
 * {@link io.sluice.recurrent.optim.LossScale}. Depends on ND4J, DL4J, {@code recurrent.kernel},
 * {@code recurrent.layer}, {@code recurrent.embedding} and {@code recurrent.pass}.
 *
 * <p>The decision worth knowing: what happens between backward and update lives in the network's
 * configuration and not in the training loop, so every way to train the network does the same.
 */
package io.sluice.recurrent.optim;
