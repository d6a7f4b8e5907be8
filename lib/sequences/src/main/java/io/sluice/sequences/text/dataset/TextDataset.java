package io.sluice.sequences.text.dataset;

import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.DatasetFolder;
import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import io.sluice.sequences.text.encoding.TextEncoder;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.List;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;

/**
 * A folder of text-sequences.v1, opened for reading: {@code manifest.json}, the vocabulary, and
 * Parquet in {@code split=…}.
 *
 * <p>Opening checks the format version; {@link #requireAudit} refuses a dataset whose audit is
 * missing, failed or of another manifest. A file that is missing, truncated or not what the
 * manifest says is an {@link InvalidInputException} that names it, thrown while reading.
 */
public final class TextDataset {
  /** What an array holds. */
  private static final int MOST_KEPT_TOKENS = Integer.MAX_VALUE - 8;

  /**
   * Tokens that are read and judged at once, padding included: a batch may be of any size, memory
   * is not.
   */
  public static final int TOKENS_AT_ONCE = 1 << 16;

  private final String uri;
  private final TextManifest manifest;
  private final Configuration hadoop;

  private TextDataset(String uri, TextManifest manifest, Configuration hadoop) {
    this.uri = uri;
    this.manifest = manifest;
    this.hadoop = hadoop;
  }

  /** Opens the folder at a Hadoop URI; reads the manifest and nothing else. */
  public static TextDataset open(String uri, Configuration hadoop) {
    DatasetFolder folder = DatasetFolder.open(uri, hadoop);
    TextManifest manifest = TextManifest.read(folder.manifest(), folder.file());
    return new TextDataset(folder.uri(), manifest, hadoop);
  }

  /**
   * Whether there is a dataset of text at a Hadoop URI, of whatever version; false where there is
   * none.
   *
   * @throws InvalidInputException if there is a manifest that cannot be read
   */
  public static boolean isAt(String uri, Configuration hadoop) {
    Lake lake = Lake.of(hadoop);
    String file = uri + "/" + TextManifest.FILE_NAME;
    return lake.exists(file) && TextManifest.isText(lake.readText(file, TextManifest.FILE_NAME));
  }

  public String uri() {
    return uri;
  }

  public TextManifest manifest() {
    return manifest;
  }

  public TextContract contract() {
    return manifest.contract();
  }

  /**
   * Refuses a dataset whose audit is missing or failed, naming the checks, and one whose manifest
   * is not the audited one.
   */
  public TextDataset requireAudit() {
    DatasetFolder.requirePassed(uri, manifest.audit(), "audit", "Rebuild it with build-sequences.");
    if (manifest.seal() == null || !manifest.isSealed()) {
      throw new InvalidInputException(
          "%s/%s was changed after its audit: its seal is not that of its content. Build the dataset again with build-sequences."
              .formatted(uri, TextManifest.FILE_NAME));
    }
    return this;
  }

  /** Reads the vocabulary; refuses one that is not the manifest's. */
  public Vocabulary vocabulary() {
    String file = uri + "/" + Vocabulary.FILE_NAME;
    String text = Lake.of(hadoop).readText(file, "vocabulary");
    requireHash(file, contract().vocabularyHash(), text);
    return Vocabulary.parse(
        text,
        manifest.special(),
        file,
        "Restore the file, or rebuild the dataset with build-sequences.");
  }

  /** Subword: text of the {@code tokenizer.json}; else null. */
  public String tokenizerJson() {
    String hash = contract().tokenisation().tokenizerHash();
    if (hash == null) {
      return null;
    }
    String file = uri + "/" + TextManifest.TOKENIZER_FILE_NAME;
    String text = Lake.of(hadoop).readText(file, "tokenizer");
    requireHash(file, hash, text);
    return text;
  }

  private static void requireHash(String file, String expected, String text) {
    if (!Provenance.sha256(text).equals(expected)) {
      throw new InvalidInputException(
          "%s is not the file that the manifest was written with: its SHA-256 is %s, expected %s. Rebuild the dataset with build-sequences, or restore the file."
              .formatted(file, Provenance.sha256(text), expected));
    }
  }

  /** Encodes new text as this dataset's was. */
  public TextEncoder encoder() {
    return new TextEncoder(contract(), vocabulary(), tokenizerJson());
  }

  /** Parts of a split in manifest order. */
  public List<TextManifest.Part> parts(Split split) {
    return manifest.parts().stream().filter(p -> p.split().equals(split.label())).toList();
  }

  /** Documents of a split; layout documents. */
  public long documents(Split split) {
    require(Layout.DOCUMENTS);
    return parts(split).stream().mapToLong(TextManifest.Part::rows).sum();
  }

  /** Tokens of a split. */
  public long tokens(Split split) {
    return parts(split).stream().mapToLong(TextManifest.Part::tokens).sum();
  }

  /**
   * A rank's share of a split's documents, as {@link #documents(Split, Dealing, int, int, long)}
   * with {@link SequenceDataset#defaultMemoryBytes()}.
   */
  public ShardedDocuments documents(Split split, Dealing dealing, int rank, int ranks) {
    return documents(split, dealing, rank, ranks, SequenceDataset.defaultMemoryBytes());
  }

  /**
   * A rank's share of a split's documents. What a batch of all ranks holds is a pure function of
   * the dataset, the dealing, the epoch and the step.
   *
   * @param ranks at most the number of shards
   * @param memoryBytes a split of no more is read once and kept; others are read again each epoch,
   *     {@link Padding#poolBatches()} batches at a time. The order is the same
   */
  public ShardedDocuments documents(
      Split split, Dealing dealing, int rank, int ranks, long memoryBytes) {
    require(Layout.DOCUMENTS);
    dealing.checkRank(rank, ranks);
    var store = new DocumentStore(uri, parts(split), false, hadoop);
    if (store.bytes() <= memoryBytes && tokens(split) <= MOST_KEPT_TOKENS) {
      store.keep();
    }
    return new ShardedDocuments(
        store,
        dealing,
        padding(split, dealing.batchSize()).poolBatches(),
        contract().padId(),
        rank,
        ranks);
  }

  /** How epochs over a split's documents mix and pad batches; by the manifest alone. */
  public Padding padding(Split split, int batchSize) {
    require(Layout.DOCUMENTS);
    return Padding.of(manifest.splits().get(split.label()), batchSize);
  }

  /**
   * Documents of a split in stored order, which is by length, with their names: a rank's share of
   * the batches, which are dealt whole, as {@link SequenceDataset#inOrder(Split, int, int, int)}
   * has it.
   *
   * <p>A batch of more than {@value #TOKENS_AT_ONCE} tokens, padding included, comes in several; a
   * longer document is one by itself.
   *
   * @param batchSize documents of a batch, at most
   */
  public DocumentBatches documentsInOrder(Split split, int batchSize, int rank, int ranks) {
    require(Layout.DOCUMENTS);
    if (batchSize < 1 || ranks < 1 || rank < 0 || rank >= ranks) {
      throw new IllegalArgumentException(
          "batchSize is %d, expected at least 1; rank is %d, expected 0 ≤ rank < ranks = %d"
              .formatted(batchSize, rank, ranks));
    }
    var store = new DocumentStore(uri, parts(split), true, hadoop);
    long size = store.size();
    long batches = (size + batchSize - 1) / batchSize;
    return new DocumentBatches(
        store,
        DocumentBatches.stored(size, batchSize, manifest.splits().get(split.label()).lengthRuns()),
        batchSize,
        TOKENS_AT_ONCE,
        new TextBatch(batchSize, contract().padId()),
        Math.min(size, batches * rank / ranks * batchSize),
        Math.min(size, batches * (rank + 1) / ranks * batchSize));
  }

  /**
   * A rank's streams of a split, as {@link #streams(Split, int, Truncation, int, int, long)} with
   * {@link SequenceDataset#defaultMemoryBytes()}.
   */
  public TokenStreams streams(
      Split split, int streams, Truncation truncation, int rank, int ranks) {
    return streams(split, streams, truncation, rank, ranks, SequenceDataset.defaultMemoryBytes());
  }

  /**
   * A rank's streams of a split.
   *
   * @param streams B, of all ranks
   * @param truncation tokens of each step
   * @param memoryBytes streams of a rank that take no more are read once and kept
   * @throws InvalidInputException if there are fewer than two tokens for each stream
   */
  public TokenStreams streams(
      Split split, int streams, Truncation truncation, int rank, int ranks, long memoryBytes) {
    require(Layout.STREAM);
    return new TokenStreams(
        "The %s split of %s".formatted(split.label(), uri),
        new TokenBlocks(uri, parts(split), hadoop),
        streams,
        truncation,
        rank,
        ranks,
        memoryBytes);
  }

  private void require(Layout wanted) {
    if (contract().layout() != wanted) {
      throw new InvalidInputException(
          "%s has dataset.layout = %s, and this reads %s. Rebuild it with dataset.layout = %3$s."
              .formatted(uri, name(contract().layout()), name(wanted)));
    }
  }

  private static String name(Layout layout) {
    return layout.name().toLowerCase(Locale.ROOT);
  }
}
