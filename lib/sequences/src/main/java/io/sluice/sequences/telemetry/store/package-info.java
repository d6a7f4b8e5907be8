/**
 * Segments on their way into Parquet.
 *
 * <p>Main types: {@link io.sluice.sequences.telemetry.store.PartPlan} decides which block goes into
 * which file, from the data alone; {@link io.sluice.sequences.telemetry.store.SegmentShuffle}
 * brings the readings of a block together; {@link
 * io.sluice.sequences.telemetry.store.SegmentPartWriter} writes.
 *
 * <p>The decision worth knowing: a file is a function of the data (period, series, number of
 * steps), never of the number of Spark partitions, so the manifest of a dataset is the same however
 * it was built, and a rebuild of a time range replaces files of the same names.
 *
 * <p><b>Considered</b> for the row: a row a time step (taken: FLOAT columns compress as columns do
 * and the vectorised reader hands them over as arrays), a row a segment with an array per channel,
 * a row a segment with one block of bytes. Spark's own writer was left because its rows box every
 * value and its file names depend on the task.
 */
package io.sluice.sequences.telemetry.store;
