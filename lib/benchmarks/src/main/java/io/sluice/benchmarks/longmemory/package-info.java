/**
 * What a cell can remember: tasks whose answer lies a known number of time steps back.
 *
 * <p>Main type: {@link io.sluice.benchmarks.longmemory.LongMemoryBenchmark}, whose Javadoc has the
 * question, the command and the last result. {@link io.sluice.benchmarks.longmemory.MemoryTask}
 * draws sequences and says when a network has learnt; {@link
 * io.sluice.benchmarks.longmemory.Lesson} trains one network on one; {@link
 * io.sluice.benchmarks.longmemory.GradientFlow} follows the gradient back through time.
 *
 * <p>Depends on {@code recurrent} and DL4J. Nothing here is timed.
 */
package io.sluice.benchmarks.longmemory;
