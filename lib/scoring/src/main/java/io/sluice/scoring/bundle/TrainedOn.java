package io.sluice.scoring.bundle;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.scoring.bundle.BundleManifest.DatasetReference;
import io.sluice.scoring.bundle.BundleManifest.TextContents;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.SourceFingerprint;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a bundle keeps of the dataset that its model was trained on.
 *
 * @param reference which dataset
 * @param contract what a window is; null for a model of texts
 * @param preparation how raw data becomes windows or documents
 * @param text what a text is; null for a model of windows
 * @param files of the dataset that scoring needs, by name
 */
record TrainedOn(
    DatasetReference reference,
    WindowContract contract,
    JsonNode preparation,
    TextContents text,
    Map<String, byte[]> files) {

  static TrainedOn of(SequenceManifest dataset) {
    return new TrainedOn(
        new DatasetReference(
            dataset.name(), dataset.configHash(), dataset.codeVersion(), dataset.source()),
        dataset.contract(),
        dataset.preparation(),
        null,
        Map.of());
  }

  /** Reads the vocabulary, and the tokenizer where there is one. */
  static TrainedOn of(TextDataset dataset) {
    TextManifest manifest = dataset.manifest();
    TextManifest.Source source = manifest.source();
    var files = new TreeMap<String, byte[]>();
    files.put(Vocabulary.FILE_NAME, bytes(dataset.vocabulary().toText()));
    String tokenizer = dataset.tokenizerJson();
    if (tokenizer != null) {
      files.put(TextManifest.TOKENIZER_FILE_NAME, bytes(tokenizer));
    }
    return new TrainedOn(
        new DatasetReference(
            manifest.name(),
            manifest.configHash(),
            manifest.codeVersion(),
            new SourceFingerprint(
                source.path(),
                source.files(),
                source.documents(),
                null,
                null,
                source.contentHash())),
        null,
        manifest.preparation(),
        new TextContents(manifest.contract(), manifest.special()),
        files);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
