package io.sluice.scoring.batch;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.List;
import java.util.Map;

/**
 * What scoring documents did: {@code data-schemas/document-score-report.v1.json}.
 *
 * @param predictions the predictions table
 * @param input the documents that were scored
 * @param modelName name in the registry
 * @param modelVersion version in the registry
 * @param bundleHash identifies the bundle
 * @param runId in every row the run wrote
 * @param device on which documents were scored, e.g. "CPU" or "GPU 0 (NVIDIA H200 (140 GiB))"
 * @param predictionsWritten rows, one a document
 * @param date the partition, ISO 8601
 * @param rowsKept rows of that partition that came from other inputs
 * @param rawDocuments documents of the input
 * @param rejectedDocuments documents that could not be used, by reason
 * @param rejects the table they were written to
 * @param tokens that the model read
 * @param unknownTokens of those, tokens that its vocabulary lacks
 * @param unknownDocuments documents of such tokens alone
 * @param cutDocuments documents longer than the model reads
 * @param cutTokens what was cut off of them
 * @param threshold of two classes: the second is predicted from this probability on; else null
 * @param predictedClasses documents by predicted class; none of a language model
 * @param scoredTokens of a language model: tokens whose probabilities were taken; else 0
 * @param logProbability of a language model: of all of them together, in nats; else null
 * @param perplexity e to the mean of them, negated; null without a scored token
 * @param labelledDocuments documents with a label that is a class of the model
 * @param unknownLabels documents with a label that is none
 * @param accuracy share of the labelled documents whose predicted class is their label; null
 *     without a label
 * @param warnings what a person should know though it was scored
 * @param seconds wall time of reading, scoring and staging
 * @param documentsPerSecond over these seconds
 */
@JsonPropertyOrder({"predictions", "modelName", "modelVersion", "predictionsWritten"})
public record DocumentScoreReport(
    String predictions,
    String input,
    String modelName,
    int modelVersion,
    String bundleHash,
    String runId,
    String device,
    long predictionsWritten,
    String date,
    long rowsKept,
    long rawDocuments,
    Map<String, Long> rejectedDocuments,
    String rejects,
    long tokens,
    long unknownTokens,
    long unknownDocuments,
    long cutDocuments,
    long cutTokens,
    @JsonInclude(JsonInclude.Include.NON_NULL) Double threshold,
    Map<String, Long> predictedClasses,
    long scoredTokens,
    Double logProbability,
    Double perplexity,
    long labelledDocuments,
    long unknownLabels,
    Double accuracy,
    List<String> warnings,
    double seconds,
    double documentsPerSecond)
    implements ScoreReport {}
