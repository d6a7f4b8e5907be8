package io.sluice.scoring.batch;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.List;
import java.util.Map;

/**
 * What scoring windows of series did: {@code data-schemas/score-report.v1.json}.
 *
 * @param predictions the predictions table
 * @param input the raw data that was scored
 * @param modelName name in the registry
 * @param modelVersion version in the registry
 * @param bundleHash identifies the bundle
 * @param runId in every row the run wrote
 * @param device on which windows were scored, e.g. "CPU" or "GPU 0 (NVIDIA H200 (140 GiB))"
 * @param predictionsWritten rows
 * @param windows windows scored: one forecast origin of one series each
 * @param series series with at least one window
 * @param threshold of two classes: the second is predicted from this probability on; else null
 * @param predictedClasses windows by predicted class; none where numbers are predicted
 * @param firstOrigin ISO 8601, or an ordinal number
 * @param lastOrigin likewise
 * @param partitionsReplaced {@code date=…} folders that hold the run's rows now
 * @param partitionsEmptied covered {@code date=…} folders that had rows and have none now
 * @param rowsKept older rows of those folders that lie outside what the run covers
 * @param rawRows rows of the input
 * @param rejectedRows raw rows that could not be used, by reason
 * @param rejects the table they were written to
 * @param missingValues values of usable rows that count as missing, by "channel: reason"
 * @param windowsNotScored windows in the wanted range without a complete look-back, by reason
 * @param seriesNotScored series without a window, by reason
 * @param seriesWithoutScaler scored series that per-series scaling does not know
 * @param observedShare share of the steps and inputs the model looked at that hold a value
 * @param warnings what a person should know though it was scored
 * @param seconds wall time of preparing, scoring and staging
 * @param windowsPerSecond over these seconds
 */
@JsonPropertyOrder({"predictions", "modelName", "modelVersion", "predictionsWritten"})
public record WindowScoreReport(
    String predictions,
    String input,
    String modelName,
    int modelVersion,
    String bundleHash,
    String runId,
    String device,
    long predictionsWritten,
    long windows,
    long series,
    @JsonInclude(JsonInclude.Include.NON_NULL) Double threshold,
    Map<String, Long> predictedClasses,
    String firstOrigin,
    String lastOrigin,
    List<String> partitionsReplaced,
    List<String> partitionsEmptied,
    long rowsKept,
    long rawRows,
    Map<String, Long> rejectedRows,
    String rejects,
    Map<String, Long> missingValues,
    Map<String, Long> windowsNotScored,
    Map<String, Long> seriesNotScored,
    long seriesWithoutScaler,
    double observedShare,
    List<String> warnings,
    double seconds,
    double windowsPerSecond)
    implements ScoreReport {}
