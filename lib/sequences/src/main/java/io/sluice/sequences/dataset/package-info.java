/**
 * The sequence dataset as the rooms above see it: its manifest, its segments, and the windows that
 * are cut from them.
 *
 * <p>Main types: {@link io.sluice.sequences.dataset.SequenceDataset} opens a folder and reads it,
 * {@link io.sluice.sequences.dataset.WindowContract} says what a window is, {@link
 * io.sluice.sequences.dataset.WindowEncoder} turns a window of a {@link
 * io.sluice.sequences.dataset.Segment} into the numbers a network sees and predictions back into
 * units.
 *
 * <p>Uses Hadoop's file system and Parquet; no Spark session, and the contract, segment and encoder
 * classes load without Spark on the class path: a model bundle predicts in a plain JVM through
 * them.
 *
 * <p>The decision worth knowing: values are stored in their own units and scaled when a window is
 * cut. Late data then changes the partitions it falls in and the scalers of the manifest, not every
 * stored row; calendar inputs cost no storage; and scoring shares the code with training.
 *
 * <p>A published manifest is sealed ({@link io.sluice.sequences.dataset.ManifestSeal}): the audit
 * recorded in it holds for what it says, and for nothing edited into it later.
 *
 * <p><b>Considered:</b> a row a segment, with an array a channel or all channels in one block. Read
 * by Spark's vectorised reader they took 1.76 and 1.69 times as long as a row a time step, and
 * their bytes were 0.96 and 1.19 of its (SegmentShapeBenchmark); other tools read a row a step as
 * the table that it is.
 */
package io.sluice.sequences.dataset;
