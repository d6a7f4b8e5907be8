/**
 * Training: from a sequence dataset to a published model bundle.
 *
 * <p>Main type: {@link io.sluice.training.Trainer}, one screen that reads as the story of a run;
 * {@link io.sluice.training.TrainSettings} goes in, {@link io.sluice.training.TrainReport} comes
 * out. In between, {@code training.loop} trains: in this process, in the ranks of {@code
 * training.sharing}, which may have a part of the network each ({@code training.pipeline}), or on
 * the driver over the workers of {@code training.averaging} and {@code training.async}.
 *
 * <p>Depends on {@code sequences}, {@code recurrent}, {@code scoring.bundle} and its own packages.
 *
 * <p>The decision worth knowing: the order of windows is one sequence of batches, a pure function
 * of the manifest, the seed and the epoch. The train split is cut into a fixed number of shards,
 * which are dealt to whatever ranks there are; each batch takes its windows from all shards in
 * turn. A strategy decides who works on which windows of a batch and never which windows are in it.
 *
 * <p><b>Considered:</b> dealing whole dataset parts to workers. What a step sees then depends on
 * the number of workers, small datasets have fewer parts than workers, and uneven parts leave
 * windows unused.
 */
package io.sluice.training;
