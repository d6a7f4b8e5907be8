package io.sluice.scoring.bundle;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a model bundle holds and where it came from: {@code manifest.json}, described in {@code
 * data-schemas/model-bundle.v1.json}.
 *
 * @param format {@value #FORMAT}
 * @param name the model's name in the registry
 * @param version its number there, from 1
 * @param spec what the network is
 * @param contract what a window is, with the scalers of the train rows; null for a model of texts
 * @param preparation how raw data becomes windows or documents, as in the dataset's manifest
 * @param dataset what it was trained on
 * @param metrics measured by training, by name
 * @param residualQuantiles errors on the validation windows, for prediction intervals; null where a
 *     model has quantiles of its own or classes
 * @param alarmThreshold from which probability on a window is an alarm; null where the target is no
 *     alarm, or the validation windows were of one class
 * @param provenance run, code and settings of the training
 * @param files every other file of the bundle, by name
 * @param text what a text is; null for a model of windows
 */
public record BundleManifest(
    String format,
    String name,
    int version,
    ModelSpec spec,
    WindowContract contract,
    JsonNode preparation,
    DatasetReference dataset,
    Map<String, Double> metrics,
    ResidualQuantiles residualQuantiles,
    @JsonInclude(JsonInclude.Include.NON_NULL) AlarmThreshold alarmThreshold,
    Training provenance,
    Map<String, FileEntry> files,
    @JsonInclude(JsonInclude.Include.NON_NULL) TextContents text) {

  public static final String FORMAT = "model-bundle.v1";
  public static final String FILE_NAME = "manifest.json";
  public static final String MODEL_FILE = "model.zip";

  public BundleManifest {
    metrics = new TreeMap<>(metrics);
    files = new TreeMap<>(files);
  }

  /**
   * The dataset a model was trained on.
   *
   * @param name of the experiment
   * @param configHash of the settings it was built with
   * @param codeVersion it was built by
   * @param source fingerprint of the raw data
   */
  public record DatasetReference(
      String name,
      String configHash,
      String codeVersion,
      SequenceManifest.SourceFingerprint source) {}

  /**
   * What a model of texts reads: beside it lie {@code vocabulary.jsonl} and, of subwords, {@code
   * tokenizer.json}.
   *
   * @param contract how text becomes ids
   * @param special the special tokens of the vocabulary
   */
  public record TextContents(TextContract contract, Vocabulary.Special special) {}

  /**
   * The run that trained the model.
   *
   * @param startedAt ISO 8601
   * @param fineTunedFrom the bundle that the run began with; null where it began afresh
   */
  public record Training(
      String runId,
      String codeVersion,
      String configHash,
      String startedAt,
      @JsonInclude(JsonInclude.Include.NON_NULL) FineTunedFrom fineTunedFrom) {}

  /**
   * A bundle whose parameters another one's training began with.
   *
   * @param hash SHA-256 of its manifest
   * @param layers that were taken, or of which a part was, lowest first
   */
  public record FineTunedFrom(String name, int version, String hash, List<String> layers) {
    public FineTunedFrom {
      layers = List.copyOf(layers);
    }
  }

  /**
   * @param bytes size
   * @param sha256 of the content, lower-case hex
   */
  public record FileEntry(long bytes, String sha256) {}
}
