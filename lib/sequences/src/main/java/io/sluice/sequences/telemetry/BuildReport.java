package io.sluice.sequences.telemetry;

import io.sluice.sequences.dataset.SequenceManifest;
import java.util.List;
import java.util.Map;

/**
 * What one run of build-sequences did; the last line of the job's output as JSON.
 *
 * @param dataset the folder that was published
 * @param layout segments or windows
 * @param channels stored channels
 * @param series series in the source
 * @param rawRows rows read
 * @param rejectedRows rows that could not be used, by reason
 * @param rejectedShare of all rows
 * @param rejects where the rejected rows are kept
 * @param missingValues values set to missing, by "channel: reason"
 * @param duplicates readings at a time that had one: collapsed, superseded by a later arrival, or
 *     in conflict
 * @param splits what each split holds
 * @param droppedWindows windows that were not made, by reason
 * @param rebuiltPeriods Parquet periods written by this run; all of them unless a time range was
 *     rebuilt
 * @param parts Parquet files in the dataset
 * @param warnings what a person should look at
 * @param audit result of the leakage audit
 * @param seconds wall-clock time
 */
public record BuildReport(
    String dataset,
    String layout,
    List<String> channels,
    long series,
    long rawRows,
    Map<String, Long> rejectedRows,
    double rejectedShare,
    String rejects,
    Map<String, Long> missingValues,
    Map<String, Long> duplicates,
    Map<String, SequenceManifest.SplitSummary> splits,
    Map<String, Long> droppedWindows,
    List<String> rebuiltPeriods,
    int parts,
    List<String> warnings,
    SequenceManifest.Audit audit,
    double seconds) {}
