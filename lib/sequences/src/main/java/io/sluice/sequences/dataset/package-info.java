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
 * <p>The order of training windows ({@link io.sluice.sequences.dataset.Dealing}): a fixed number of
 * canonical shards, contiguous ranges of windows, each with its own order an epoch, dealt out round
 * robin. What a global batch holds is a pure function of the dataset, the seed, the epoch and the
 * step, and a rank reads the shards it owns and nothing else; so a run may go on with other ranks,
 * from any step. A shard's order permutes pieces of parts, groups of segments and the windows in a
 * group; batches mix over the groups of all shards. Windows of a segment are known only from its
 * rows, so a rank first reads its parts once: with all columns where its shards fit in memory and
 * stay there, or else with the few that tell where windows are, and no channels. After that a group
 * is a file, a range of segments and nothing to be read past: pages of other segments are passed
 * over by the file's own statistics, and seeking reads nothing.
 *
 * <p>What streaming costs: a group is opened by itself. An epoch of 100 channels and look-back 100
 * that is streamed from local disk came at 39,398 windows/s, in memory at 282,133
 * (FeedingBenchmark). On an object store a group is a request or more for each column, unless the
 * store's client reads ahead: give the reader memory.
 *
 * <p><b>Considered:</b> an open file for each shard, read from front to back. It needs no first
 * pass, but each of S shards in a part decodes what lies before it, S/2 times the part an epoch,
 * and holds the pages of a row group: for wide tables more than all groups. Dealing whole batches
 * to ranks that each read everything: reading then grows with the number of ranks; on the data of
 * that benchmark one reader of four dealt 108,503 windows/s, one alone 281,010. Copying shards to
 * local disk: fast, but it needs as much disk as the encoded dataset, about three times its
 * Parquet.
 *
 * <p><b>Considered:</b> a row a segment, with an array a channel or all channels in one block. Read
 * by Spark's vectorised reader they took 1.76 and 1.69 times as long as a row a time step, and
 * their bytes were 0.96 and 1.19 of its (SegmentShapeBenchmark); other tools read a row a step as
 * the table that it is.
 */
package io.sluice.sequences.dataset;
