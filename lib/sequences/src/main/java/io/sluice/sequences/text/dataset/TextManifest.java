package io.sluice.sequences.text.dataset;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.dataset.ManifestSeal;
import io.sluice.sequences.dataset.SequenceManifest.Audit;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What a dataset of text holds and where it came from: {@code manifest.json}, described in {@code
 * data-schemas/text-sequences.v1}. Equal input and settings give byte-equal manifests but for
 * {@code createdAt}.
 *
 * @param format {@value #FORMAT}
 * @param name the experiment's name
 * @param contract what a network sees of a text
 * @param special the special tokens of the vocabulary
 * @param preparation the settings of source and text
 * @param splits what each split holds, by its label
 * @param parts the Parquet files, by path
 * @param source fingerprint of the raw data
 * @param rejectedDocuments that could not be used, by reason
 * @param duplicates texts that stand more than once
 * @param configHash SHA-256 of the resolved settings
 * @param codeVersion version and commit of the code
 * @param createdAt ISO 8601
 * @param audit its result; null if it was not run
 * @param seal what {@link ManifestSeal} made of all the rest; null before the dataset was published
 */
public record TextManifest(
    String format,
    String name,
    TextContract contract,
    Vocabulary.Special special,
    JsonNode preparation,
    Map<String, SplitSummary> splits,
    List<Part> parts,
    Source source,
    Map<String, Long> rejectedDocuments,
    Duplicates duplicates,
    String configHash,
    String codeVersion,
    String createdAt,
    Audit audit,
    String seal) {

  public static final String FORMAT = "text-sequences.v1";
  public static final String FILE_NAME = "manifest.json";

  private static final Pattern TEXT_FORMAT =
      Pattern.compile("\"format\"\\s*:\\s*\"text-sequences\\.");

  /** Beside the manifest where tokens are subwords. */
  public static final String TOKENIZER_FILE_NAME = "tokenizer.json";

  /**
   * @param documents of a stream: lines or files that it was put together from
   * @param tokens that are stored
   * @param characters code points of the clean texts before any is cut, line breaks that a token
   *     stands for included; null in a dataset of before they were counted
   * @param unknownTokens of them, those that the vocabulary lacks
   * @param unknownShare the out-of-vocabulary rate; 0 where there are no tokens
   * @param truncatedDocuments that were longer than the contract's maxTokens
   * @param cutTokens that they lost
   * @param labels documents by class; empty without labels
   * @param lengths documents by stored length, in order; none where there are no documents
   * @param lengthRuns layout documents: the same to 1 part in 64; null for a stream and in a
   *     dataset of before they were counted
   * @param contentHash order-independent hash of the documents: names, or places in the stream,
   *     texts and classes
   */
  public record SplitSummary(
      long documents,
      long tokens,
      @JsonInclude(JsonInclude.Include.NON_NULL) Long characters,
      long unknownTokens,
      double unknownShare,
      long truncatedDocuments,
      long cutTokens,
      Map<String, Long> labels,
      List<Bin> lengths,
      @JsonInclude(JsonInclude.Include.NON_NULL) List<Run> lengthRuns,
      String contentHash) {}

  /** Documents that are longer than the bin before and have at most so many tokens. */
  public record Bin(int upTo, long documents) {}

  /**
   * Documents that follow one another in stored order; JSON: {@code [upTo, documents]}.
   *
   * @param upTo tokens of the longest of them, of which the shortest has at most 1 part in 64 less
   */
  @JsonFormat(shape = JsonFormat.Shape.ARRAY)
  @JsonPropertyOrder({"upTo", "documents"})
  public record Run(int upTo, long documents) {}

  /**
   * @param path relative to the dataset folder
   * @param rows documents, or blocks of a stream
   * @param tokens in them
   * @param contentHash SHA-256, in hex, over the rows in order
   */
  public record Part(String path, String split, long rows, long tokens, String contentHash) {}

  /**
   * @param path of the main source
   * @param files in all sources
   * @param documents in all sources, rejected ones included
   * @param replacedDocuments whose bytes were not all UTF-8; each bad one became U+FFFD
   * @param contentHash order-independent hash of the texts
   */
  public record Source(
      String path, long files, long documents, long replacedDocuments, String contentHash) {}

  /**
   * Documents whose text stands elsewhere too, by where: {@code test-in-train} counts those of test
   * whose text is also one of train, {@code within-train} those of train beyond the first of their
   * text.
   *
   * @param exact equal texts, by character
   * @param normalised equal letters and digits, whatever their case, width, punctuation and blanks
   * @param dropped documents left out for it, by split
   */
  public record Duplicates(
      Map<String, Long> exact, Map<String, Long> normalised, Map<String, Long> dropped) {}

  /** The same manifest under its seal. */
  public TextManifest sealed() {
    return withSeal(ManifestSeal.of(this));
  }

  /** True if the manifest is what was sealed. */
  boolean isSealed() {
    return ManifestSeal.of(this).equals(seal);
  }

  private TextManifest withSeal(String newSeal) {
    return new TextManifest(
        format,
        name,
        contract,
        special,
        preparation,
        splits,
        parts,
        source,
        rejectedDocuments,
        duplicates,
        configHash,
        codeVersion,
        createdAt,
        audit,
        newSeal);
  }

  /** Whether a file's text says that it is a manifest of text, of whatever version. */
  static boolean isText(String json) {
    return TEXT_FORMAT.matcher(json).find();
  }

  /**
   * The manifest in a file's text.
   *
   * @param where the file, for messages
   */
  static TextManifest read(String json, String where) {
    JsonNode tree = ManifestJson.tree(json, where);
    String found = tree.path("format").asText("(none)");
    if (found.startsWith("sequences.")) {
      throw new InvalidInputException(
          "%s describes a dataset of telemetry (%s, dataset.layout = %s), and this reads text (%s). Give the path of a dataset with dataset.layout = documents or stream."
              .formatted(where, found, tree.path("layout").asText("not recorded"), FORMAT));
    }
    if (!found.equals(FORMAT)) {
      throw new InvalidInputException(
          "%s has format %s; this version reads %s. Rebuild the dataset with build-sequences, or read it with the version of Sluice that wrote it (%s)."
              .formatted(where, found, FORMAT, tree.path("codeVersion").asText("not recorded")));
    }
    tree.path("splits").forEach(TextManifest::completeOlder);
    return ManifestJson.convert(tree, TextManifest.class, where);
  }

  /** Adds what was not counted of a split before. */
  private static void completeOlder(JsonNode split) {
    if (split instanceof ObjectNode summary) {
      for (String none : new String[] {"characters", "lengthRuns"}) {
        if (!summary.has(none)) {
          summary.putNull(none);
        }
      }
    }
  }
}
