/**
 * The training loop, as every process of a run executes it.
 *
 * <p>Main type: {@link io.sluice.training.loop.TrainingLoop}, one screen: steps, validation, early
 * stopping, checkpoints. A {@link io.sluice.training.loop.Stepper} is what happens in a step; a
 * {@link io.sluice.training.loop.Strategy} is where the loop takes place. {@link
 * io.sluice.training.loop.RunPlan} is what each process must know, {@link
 * io.sluice.training.loop.ExampleSet} what it learns from.
 *
 * <p>Depends on {@code sequences}, {@code recurrent}, {@code training.checkpoint} and {@code
 * training.allreduce}; of Spark it knows how to broadcast and nothing of clusters.
 *
 * <p>The decision worth knowing: no process leads. Each rank runs the same loop, sees the same sums
 * of losses to the bit, and so comes to the same decisions (a better epoch, a lower rate, the end)
 * without being told. What only one must do, writing checkpoints and telling how it goes, is given
 * to it from outside.
 *
 * <p><b>What a step depends on</b>: the parameters, the optimizer's state, its number, and the
 * batch with the keys of its windows. The order of windows and the masks of dropout are functions
 * of the seed and a window's place in the epoch, so there is no random state to keep, and nothing
 * depends on the number of ranks, threads or micro-batches but the order of float32 sums.
 *
 * <p>Streams of text add the states that they carry from step to step ({@code StreamStates}). A
 * rank keeps those of its own streams for the whole run, so nothing travels but where a checkpoint
 * within an epoch brings them together; an epoch begins with zeros.
 *
 * <p>With threshold encoding ({@code ThresholdGradient}) there is more: what was not sent yet, on
 * each rank. It is not kept either. A step that a checkpoint or a validation follows sends all of
 * it, so a checkpoint is whole whatever was chosen, at the price of one dense sum. The loop asks
 * for that before the step; the flag goes round with the loss, so one rank's clock is enough.
 */
package io.sluice.training.loop;
