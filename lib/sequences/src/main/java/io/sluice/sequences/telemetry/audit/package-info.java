/**
 * The leakage audit: what a dataset promises, recomputed from the Parquet that was written, by
 * Spark SQL and apart from the code that wrote it.
 *
 * <p>Main type: {@link io.sluice.sequences.telemetry.audit.LeakageAudit}. Its result goes into the
 * manifest; training refuses a dataset whose audit is missing or failed.
 */
package io.sluice.sequences.telemetry.audit;
