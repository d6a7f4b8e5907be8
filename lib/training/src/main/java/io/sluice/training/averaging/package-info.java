/**
 * Parameter averaging by dl4j-spark: the loop on the driver, steps on Spark tasks.
 *
 * <p>Main type: {@link io.sluice.training.averaging.AveragingStepper}. {@code AveragingMaster} is
 * dl4j-spark's master with what it lacks, {@code WorkerBatches} how a worker finds its part of each
 * batch.
 *
 * <p>Depends on dl4j-spark and {@code training.loop}.
 *
 * <p>The decision worth knowing: an average is one call of dl4j-spark's master over a few steps, so
 * that the loop, and with it checkpoints within an epoch, early stopping and the count of steps,
 * stays that of every other strategy.
 */
package io.sluice.training.averaging;
