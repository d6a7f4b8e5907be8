package io.sluice.sequences.text.dataset;

import io.sluice.failure.InvalidInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * B documents as flat arrays, ready for a network; reused from batch to batch by its owner.
 *
 * <p><b>Shapes.</b> T = length of the longest of them, row-major:
 *
 * <pre>
 * ids        (T, B)   token ids, the pad id beyond a document's end
 * lengths    (B)      tokens of each
 * labels     (B)      class index; −1 = none
 * positions  (B)      in the order that a reader deals out, the same for every number of ranks
 * documents  (B)      number in stored order
 * </pre>
 */
public final class TextBatch {
  /** What an array holds. */
  private static final int MOST_IDS = Integer.MAX_VALUE - 8;

  private final int padId;
  private int size;
  private int globalSize;
  private int timeSteps;
  private int[] ids = {};
  private final int[] lengths;
  private final int[] labels;
  private final long[] positions;
  private final long[] documents;
  private final String[] names;

  TextBatch(int capacity, int padId) {
    this.padId = padId;
    this.lengths = new int[capacity];
    this.labels = new int[capacity];
    this.positions = new long[capacity];
    this.documents = new long[capacity];
    this.names = new String[capacity];
  }

  /**
   * Documents that are no dataset's: without labels and names, in the order given.
   *
   * @param padId of the contract
   * @param documents ids of each; not kept
   * @throws InvalidInputException if they are more with their padding than an array holds
   */
  public static TextBatch of(int padId, List<int[]> documents) {
    var batch = new TextBatch(documents.size(), padId);
    batch.begin();
    for (int[] ids : documents) {
      int b = batch.size++;
      batch.lengths[b] = ids.length;
      batch.labels[b] = -1;
      batch.documents[b] = b;
      batch.positions[b] = b;
      batch.timeSteps = Math.max(batch.timeSteps, ids.length);
    }
    batch.allocate(documents.size());
    for (int b = 0; b < batch.size; b++) {
      int[] ids = documents.get(b);
      for (int t = 0; t < ids.length; t++) {
        batch.ids[t * batch.size + b] = ids[t];
      }
    }
    return batch;
  }

  /** Documents [from, to) as a batch of their own, without labels and names. */
  public TextBatch part(int from, int to) {
    var documents = new ArrayList<int[]>();
    for (int b = from; b < to; b++) {
      int[] own = new int[lengths[b]];
      for (int t = 0; t < own.length; t++) {
        own[t] = ids[t * size + b];
      }
      documents.add(own);
    }
    return of(padId, documents);
  }

  void begin() {
    size = 0;
    timeSteps = 0;
  }

  /** Takes a document in, its ids apart: those wait until the longest is known. */
  void add(Documents source, long document, long position) {
    lengths[size] = source.length(document);
    labels[size] = source.label(document);
    names[size] = source.name(document);
    documents[size] = document;
    positions[size] = position;
    timeSteps = Math.max(timeSteps, lengths[size]);
    size++;
  }

  /**
   * Makes room for the ids of what was added.
   *
   * @param newGlobalSize documents of all ranks
   */
  void allocate(int newGlobalSize) {
    globalSize = newGlobalSize;
    long cells = (long) timeSteps * size;
    if (cells > MOST_IDS) {
      throw new InvalidInputException(
          "A batch of %d documents of up to %d tokens has %d ids, padding included, and an array holds at most %d. Lower the batch size to at most %d, or set a lower text.max-tokens and rebuild."
              .formatted(size, timeSteps, cells, MOST_IDS, MOST_IDS / timeSteps));
    }
    if (ids.length < cells) {
      ids = new int[(int) cells];
    }
    Arrays.fill(ids, 0, (int) cells, padId);
  }

  void fill(Documents source, int b) {
    source.copyTo(ids, b, size, documents[b]);
  }

  /** B, documents in this batch; 0 for a rank that has none of a global batch. */
  public int size() {
    return size;
  }

  /** Documents that all ranks have in this step, this batch included. */
  public int globalSize() {
    return globalSize;
  }

  /** T. */
  public int timeSteps() {
    return timeSteps;
  }

  /** (T, B), valid to index T·B. */
  public int[] ids() {
    return ids;
  }

  /** Tokens of document {@code b}. */
  public int length(int b) {
    return lengths[b];
  }

  /** Class index of document {@code b}; −1 = none. */
  public int label(int b) {
    return labels[b];
  }

  /** Position of document {@code b} in the epoch's order over all ranks, or in stored order. */
  public long position(int b) {
    return positions[b];
  }

  /** Number of document {@code b} in stored order. */
  public long document(int b) {
    return documents[b];
  }

  /** Name of document {@code b}; null unless documents are read in stored order. */
  public String name(int b) {
    return names[b];
  }
}
