/**
 * What every job of this project does alike with its Spark context.
 *
 * <p>Main type: {@link io.sluice.sequences.spark.JobDescription}, the words of Spark's UI.
 *
 * <p>Depends on Spark alone.
 *
 * <p>The decision worth knowing: the context is the user's, so whatever is set on it is set back.
 */
package io.sluice.sequences.spark;
