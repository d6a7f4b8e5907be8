/**
 * Batch scoring: new raw data in, rows of the predictions table out.
 *
 * <p>Main types: {@link io.sluice.scoring.batch.BatchScorer} runs a job's worth of scoring, {@link
 * io.sluice.scoring.batch.PredictionsTable} is the table it publishes to ({@code
 * data-schemas/predictions.v1.json}; of documents {@code document-predictions.v1.json}). Depends on
 * the bundle, on the preparation of {@code sequences.telemetry}, on the reading of {@code
 * sequences.text} and on Spark SQL.
 *
 * <p>The decision worth knowing: a run is published by one file. New partitions are staged beside
 * the table, then a journal that lists their files is written with one rename, and that rename is
 * the commit: before it the old rows stand, after it every reader or writer that comes along first
 * finishes the swap of directories the journal asks for. Folders that begin with an underscore
 * (staging, journal, replaced, locks) are invisible to Spark's readers.
 *
 * <p><b>Considered.</b> Spark's dynamic partition overwrite deletes partitions one by one after the
 * job's commit, so a crash leaves a mix, and it cannot empty a date that has no row any more. Delta
 * or Iceberg would bring both and a second table format to the lake; the table stays plain Parquet
 * that anything reads.
 *
 * <p>Documents have no time, so what a run of theirs covers is its input on a date: a rerun
 * replaces the rows of that input, and those of another input of the same day stay. They are
 * tokenised once, into a table that is deleted before publication, and dealt out by a hash of their
 * names, shortest first in each task: neighbours in a batch are then of about one length, and
 * little is padding.
 *
 * <p><b>Considered</b> for documents: Range partitioning by length pads as little, but one task
 * gets all the long ones. A row of a document costs a forward pass over hundreds of tokens, so its
 * rows are Spark's own and Spark writes them.
 *
 * <p><b>Considered</b> for the rows: external objects ({@code JavaRDD<Row>}) box every value;
 * Spark's writer over rows that its SQL unfolds keeps a file of each date open, each with a row
 * group's memory, and Parquet's own column writer looks up and compares every value of every row,
 * where a window says most of them 200 times alike. A task hands over one bean of float arrays per
 * window, and {@link io.sluice.scoring.batch.PredictionFile} writes them as columns.
 */
package io.sluice.scoring.batch;
