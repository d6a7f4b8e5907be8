/**
 * Speed, size and memory, measured against plain ways of doing the same, and what the recurrent
 * cells can remember; never shipped, never run by the build.
 *
 * <p>{@code lib/benchmarks/run.sh NAME} builds what is needed and runs one; with {@code --record}
 * it also writes {@code lib/benchmarks/results/NAME.json}. Each benchmark compares the answers of
 * what it times, in the same run, and fails where they differ; contestants take turns, so that a
 * busy minute of the machine falls on all of them; and the result holds every time taken, not the
 * best alone.
 *
 * <p>Main types: the {@code …Benchmark} classes, whose Javadoc has question and last result; {@link
 * io.sluice.benchmarks.Turns} takes times, {@link io.sluice.benchmarks.Report} keeps them.
 *
 * <p>May depend on every room of {@code lib}; nothing depends on it.
 */
package io.sluice.benchmarks;
