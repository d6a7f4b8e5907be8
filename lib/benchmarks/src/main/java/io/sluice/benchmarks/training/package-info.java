/**
 * Whole training runs, as {@code submit-scripts/train.sh} starts them, with real executor
 * processes: how they scale, what they cost beside dl4j-spark, whether they converge alike, and
 * whether they leak.
 *
 * <p>Main types: {@link io.sluice.benchmarks.training.ScalingBenchmark}, {@link
 * io.sluice.benchmarks.training.CostModel}. {@code TrainProcess} is a run, {@code TrainRun} what it
 * has left.
 *
 * <p>May depend on every room of {@code lib}.
 *
 * <p>The decision worth knowing: nothing is measured but what the job itself writes, so a benchmark
 * times the loop that a person gets, reading, messages to the driver and metrics included.
 */
package io.sluice.benchmarks.training;
