package io.sluice.scoring.generation;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.List;

/**
 * A text and how it came about; Jackson writes it as the job's last line.
 *
 * @param text what follows the prompt
 * @param prompt what it follows; null where it begins a line
 * @param unknownWords tokens of the prompt that the model's vocabulary lacks, each once
 * @param promptTokens tokens of the prompt
 * @param tokens tokens of the text
 * @param perplexity of the text by the model itself, whatever temperature it was drawn with
 * @param modelName name in the registry
 * @param modelVersion version in the registry
 * @param bundleHash identifies the bundle
 * @param temperature it was drawn with
 * @param topK it was drawn from
 * @param seed of the draws: the same settings with the same bundle give the same text
 * @param device on which it was computed
 * @param tokensPerSecond of the text
 */
@JsonPropertyOrder({"text", "prompt", "unknownWords"})
public record GenerateReport(
    String text,
    String prompt,
    List<String> unknownWords,
    int promptTokens,
    int tokens,
    double perplexity,
    String modelName,
    int modelVersion,
    String bundleHash,
    double temperature,
    int topK,
    long seed,
    String device,
    double tokensPerSecond) {}
