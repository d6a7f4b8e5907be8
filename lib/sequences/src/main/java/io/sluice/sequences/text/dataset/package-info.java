/**
 * A dataset of text as the rooms above see it: its manifest, batches of documents, and streams of
 * tokens.
 *
 * <p>Main types: {@link io.sluice.sequences.text.dataset.TextDataset} opens a folder and reads it;
 * {@link io.sluice.sequences.text.dataset.ShardedDocuments} deals out documents epoch by epoch,
 * {@link io.sluice.sequences.text.dataset.TokenStreams} runs through a text side by side, in steps
 * that a {@link io.sluice.sequences.text.dataset.Truncation} cuts.
 *
 * <p>Uses Hadoop's file system and Parquet; no Spark session, so a barrier task reads straight from
 * the lake. Ids are ints in flat arrays: nothing is made for a row.
 *
 * <p>The decision worth knowing: documents are stored by length, and an epoch permutes pools of 8
 * batches, or fewer where there are few documents ({@link
 * io.sluice.sequences.text.dataset.Padding}), then documents within a pool. A batch holds documents
 * of nearly one length, so little of what is computed is padding, and a pool is a stretch of rows:
 * it is read in one go and forgotten. What a global batch holds is a pure function of the dataset,
 * the seed, the epoch, the batch size and the step; ranks share its positions as {@link
 * io.sluice.sequences.dataset.Dealing} has it. One pool an epoch is short, and which one is drawn
 * each time, so the pools' borders move.
 *
 * <p>A rank keeps a split in memory where it fits, and else reads each pool whole, also the
 * documents of other ranks: ids decode faster than a network takes them.
 *
 * <p>In stored order, in which a split is judged, batches and pools are bounded by tokens too: no
 * step has to hold a certain number of documents there, and a few long ones would make arrays of
 * the longest times the batch size.
 *
 * <p><b>Considered:</b> shards as contiguous ranges, as telemetry has them. With documents stored
 * by length a batch over all shards would then hold every length. Bucketing in memory: what it
 * holds grows with the dataset.
 */
package io.sluice.sequences.text.dataset;
