/**
 * One thin class per {@code spark-submit} entry point.
 *
 * <p>Main type: {@link io.sluice.jobs.JobMain}, the way through every job. A job class names its
 * sections, its examples and the library call that does the work; scripts of the same name are in
 * {@code submit-scripts/}. May depend on every room; nothing depends on it.
 *
 * <p><b>Considered.</b> One entry point with sub-commands: the scripts, the Spark UI and a
 * scheduler's job list are plainer with one class a job.
 */
package io.sluice.jobs;
