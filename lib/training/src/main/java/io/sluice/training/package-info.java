/**
 * Training: from a sequence dataset to a published model bundle.
 *
 * <p>Main type: {@link io.sluice.training.Trainer}, one screen that reads as the story of a run;
 * {@link io.sluice.training.TrainSettings} goes in, {@link io.sluice.training.TrainReport} comes
 * out. A {@link io.sluice.training.Strategy} is what happens in one epoch: {@link
 * io.sluice.training.LocalStrategy} steps in this process, {@link
 * io.sluice.training.ParameterAveragingStrategy} lets dl4j-spark average the workers of a cluster.
 *
 * <p>Depends on {@code sequences}, {@code recurrent}, {@code scoring.bundle} and dl4j-spark.
 *
 * <p>The decision worth knowing: the order of windows is one sequence of global batches, a pure
 * function of the manifest, the seed and the epoch ({@link io.sluice.sequences.dataset.Dealing}). A
 * strategy decides who works on which windows of a global batch and never which windows are in it,
 * so any number of workers learns from the same batches in the same order, and resuming is seeking
 * to a step of an epoch.
 *
 * <p><b>Considered:</b> dealing whole dataset parts to workers. What a step sees then depends on
 * the number of workers, small datasets have fewer parts than workers, and uneven parts leave
 * windows unused. Canonical shards cut through parts: a worker reads its own and no others, and
 * their number does not change with that of the workers.
 *
 * <p><b>Considered:</b> threads over the batch within one process: replicas of the network over the
 * same parameters, each the gradient of a slice, their sum one update. It is exact, and with DL4J's
 * stock cells it gains nothing: on two cores with one native thread each, LSTMs of 128 and 64 units
 * (B = 64, T = 96) took 164 to 172 windows/s on one thread and 144 to 176 on two, where two
 * processes reached 128 each. A step is some thousand small operations, all of which pass locks of
 * ND4J and JavaCPP, and half a batch fills a core less well. Cells that compute a layer in one call
 * would change that.
 */
package io.sluice.training;
