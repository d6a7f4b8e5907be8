/**
 * Batch scoring: new raw data in, rows of the predictions table out.
 *
 * <p>Main types: {@link io.sluice.scoring.batch.BatchScorer} runs a job's worth of scoring, {@link
 * io.sluice.scoring.batch.PredictionsTable} is the table it publishes to ({@code
 * data-schemas/predictions.v1.json}). Depends on the bundle, on the preparation of {@code
 * sequences.telemetry} and on Spark SQL.
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
 * <p><b>Considered</b> for the rows: external objects ({@code JavaRDD<Row>}) box every value;
 * Spark's writer over rows that its SQL unfolds keeps a file of each date open, each with a row
 * group's memory, and Parquet's own column writer looks up and compares every value of every row,
 * where a window says most of them 200 times alike. A task hands over one bean of float arrays per
 * window, and {@link io.sluice.scoring.batch.PredictionFile} writes them as columns.
 */
package io.sluice.scoring.batch;
