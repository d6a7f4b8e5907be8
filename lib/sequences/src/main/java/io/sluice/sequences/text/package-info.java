/**
 * Text to a dataset of documents or of one stream: the job {@code build-sequences} with {@code
 * dataset.layout = documents} or {@code stream}.
 *
 * <p>Main types: {@link io.sluice.sequences.text.TextSettings} is read from a settings file, {@link
 * io.sluice.sequences.text.TextBuilder} builds and publishes.
 *
 * <p>Depends on Spark SQL, on the encoding and the dataset of text, and on how any table is opened
 * ({@code io.sluice.sequences.source}).
 *
 * <p>The decision worth knowing: the source is read and tokenised once, into a table beside the
 * dataset. Every later pass (labels, duplicates, vocabulary, writing, audit) reads that table, so
 * all of them see the same rows, and a gzip file, which one task must read, is a bottleneck once
 * and not five times. It costs about as much disk as the text does compressed.
 *
 * <p>That table is deleted at the end, or kept with {@code dataset.incremental} ({@code
 * KeptTokens}). A rerun then tokenises files alone that are new, or have another length or time of
 * modification, and takes over the files of a split whose documents, vocabulary and contract are as
 * they were ({@code LastBuild}). The rest (splits, labels, duplicates, counts of words) is computed
 * from the whole table, so the dataset is that of a full build, to the byte. Where neither files
 * nor settings nor code have changed, and the rejects table lies where it is asked for, nothing is
 * done, and the report repeats the last build's warnings.
 *
 * <p>What is written is a function of the rows and the settings alone. Documents go to files by
 * their length, and within a length by a hash of their name; tokens of a stream by their number,
 * which comes from the order of files and of lines in them. Neither depends on how Spark cut its
 * partitions.
 *
 * <p><b>Considered:</b> keeping counts by file in place of tokens, which saves the disk, but new
 * words of train, or one document dropped as a duplicate, need every text again. Tokenising in
 * every pass, which needs no table and twice the processor time for words by ICU. Spark ML's {@code
 * CountVectorizer}: it orders equal counts as they come, so two runs may differ.
 */
package io.sluice.sequences.text;
