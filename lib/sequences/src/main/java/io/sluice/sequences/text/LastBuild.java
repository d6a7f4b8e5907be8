package io.sluice.sequences.text;

import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.SequenceManifest.Check;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.StagedFolder;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.dataset.TextManifest.Part;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.List;
import java.util.Objects;
import org.apache.hadoop.conf.Configuration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The dataset as the last build left it, for what of it stays: the vocabulary where train has the
 * documents that it had, the files of a split whose documents and ids are those they were.
 */
final class LastBuild {
  private static final Logger LOG = LoggerFactory.getLogger(LastBuild.class);
  private static final LastBuild NONE = new LastBuild(null);

  private final TextDataset dataset;

  private LastBuild(TextDataset dataset) {
    this.dataset = dataset;
  }

  /** Nothing stays. */
  static LastBuild none() {
    return NONE;
  }

  /**
   * The dataset at the path, unless it is missing, damaged, not audited, or of other settings or
   * code.
   *
   * @param tokenizerJson subword: text of the {@code tokenizer.json}; else null
   * @param given the vocabulary that the settings name; null = none
   */
  static LastBuild of(
      TextSettings settings,
      String codeVersion,
      String tokenizerJson,
      Vocabulary given,
      Configuration hadoop) {
    String path = settings.dataset().path();
    Lake lake = Lake.of(hadoop);
    if (!lake.exists(path + "/" + TextManifest.FILE_NAME)) {
      return NONE;
    }
    try {
      TextDataset dataset = TextDataset.open(path, hadoop).requireAudit();
      dataset.vocabulary();
      TextManifest manifest = dataset.manifest();
      TextContract contract = manifest.contract();
      String tokenizerHash = tokenizerJson == null ? null : Provenance.sha256(tokenizerJson);
      boolean isSame =
          manifest.configHash().equals(settings.hash())
              && manifest.codeVersion().equals(codeVersion)
              && Objects.equals(contract.tokenisation().tokenizerHash(), tokenizerHash)
              && (given == null || given.hash().equals(contract.vocabularyHash()))
              && manifest.parts().stream().allMatch(p -> lake.exists(path + "/" + p.path()));
      return isSame ? new LastBuild(dataset) : NONE;
    } catch (InvalidInputException e) {
      LOG.warn("{} Nothing of it is kept", e.getMessage());
      return NONE;
    }
  }

  boolean isThere() {
    return dataset != null;
  }

  TextManifest manifest() {
    return dataset.manifest();
  }

  /**
   * Whether a split has the documents that it had: names, texts, classes and, of a stream, order.
   */
  boolean has(Split split, String contentHash) {
    return isThere() && summary(split).contentHash().equals(contentHash);
  }

  /** Whether a split's files are those that would be written. */
  boolean keeps(Split split, String contentHash, TextContract contract) {
    return has(split, contentHash) && manifest().contract().equals(contract);
  }

  /** Counted from the train split. */
  Vocabulary vocabulary() {
    return dataset.vocabulary();
  }

  /** What the audit found when it counted the words of these documents. */
  Check vocabularyCheck() {
    return manifest().audit().checks().stream()
        .filter(check -> check.name().equals(TextAudit.VOCABULARY))
        .findFirst()
        .orElseThrow();
  }

  /** Takes a split's files over. */
  List<Part> keep(Split split, StagedFolder staged) {
    List<Part> parts = dataset.parts(split);
    parts.forEach(part -> staged.keep(part.path()));
    return parts;
  }

  long unknownTokens(Split split) {
    return summary(split).unknownTokens();
  }

  private TextManifest.SplitSummary summary(Split split) {
    return manifest().splits().get(split.label());
  }
}
