package io.sluice.scoring.batch;

import io.sluice.sequences.text.RawDocuments.RawDocument;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.TextEncoder;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * Documents that come shortest first, in batches of about one length: neighbours need little
 * padding. A batch has at most so many documents and at most so many steps, padding included; a
 * document that is longer by itself is a batch of its own. Holds one batch and the document that
 * follows it.
 */
final class LengthBatches implements Iterator<List<LengthBatches.Encoded>> {
  /**
   * A document as a model reads it.
   *
   * @param document it
   * @param ids of its tokens, those that are cut off left out
   */
  record Encoded(RawDocument document, int[] ids) {
    /** Tokens that are cut off. */
    int cut() {
      return document.tokens().size() - ids.length;
    }
  }

  private final Iterator<RawDocument> documents;
  private final TextContract contract;
  private final Vocabulary vocabulary;
  private final int batchSize;
  private final int batchTokens;
  private Encoded waiting;

  /**
   * @param batchSize documents a batch, at most
   * @param batchTokens steps a batch, padding included, at most
   */
  LengthBatches(
      Iterator<RawDocument> documents,
      TextContract contract,
      Vocabulary vocabulary,
      int batchSize,
      int batchTokens) {
    this.documents = documents;
    this.contract = contract;
    this.vocabulary = vocabulary;
    this.batchSize = batchSize;
    this.batchTokens = batchTokens;
  }

  @Override
  public boolean hasNext() {
    return waiting != null || documents.hasNext();
  }

  @Override
  public List<Encoded> next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no document is left");
    }
    var batch = new ArrayList<Encoded>();
    int longest = 0;
    while (hasNext() && batch.size() < batchSize) {
      Encoded document = waiting == null ? encoded(documents.next()) : waiting;
      longest = Math.max(longest, document.ids().length);
      if (!batch.isEmpty() && (batch.size() + 1L) * longest > batchTokens) {
        waiting = document;
        break;
      }
      waiting = null;
      batch.add(document);
    }
    return batch;
  }

  private Encoded encoded(RawDocument document) {
    var ids = new int[document.tokens().size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = vocabulary.id(document.tokens().get(i));
    }
    return new Encoded(document, TextEncoder.truncated(ids, contract));
  }
}
