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
 * that anything reads. Rows as external objects ({@code JavaRDD<Row>}) box every value: a task
 * hands over one bean of float arrays per window and Spark SQL unfolds it in generated code.
 */
package io.sluice.scoring.batch;
