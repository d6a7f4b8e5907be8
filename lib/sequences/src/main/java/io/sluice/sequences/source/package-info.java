/**
 * Raw tables as they lie in the lake, of telemetry and of text: opened, read to the end, and what
 * could not be used put aside.
 *
 * <p>Main types: {@link io.sluice.sequences.source.RawTable} opens what a person named and refuses
 * what cannot be read; {@link io.sluice.sequences.source.ReadFailures} and {@link
 * io.sluice.sequences.source.WriteFailures} turn what Spark throws in the middle of a job into a
 * message that names the file or the disk; {@link io.sluice.sequences.source.RejectsTable} keeps
 * the rows that were left out.
 *
 * <p>The decision worth knowing: Spark names a broken file only where its first row fails. So a
 * source whose job has failed is searched by halves, which reads it once more.
 *
 * <p>Uses Spark SQL and {@code io.sluice.sequences.lake}; knows nothing of series or documents.
 */
package io.sluice.sequences.source;
