package io.sluice.sequences.text.encoding;

import java.io.Serializable;
import java.util.List;

/**
 * What a network sees of a text: written into the dataset manifest, copied into the model bundle,
 * obeyed by {@link TextEncoder}.
 *
 * @param layout documents or stream
 * @param tokenisation how text becomes tokens
 * @param vocabularySize V; ids are 0 … V − 1
 * @param vocabularyHash SHA-256 of the vocabulary file, in hex
 * @param padId fills up a batch of documents and occurs in no text; null for a stream
 * @param unknownId of tokens that the vocabulary lacks
 * @param lineEndId of {@link Tokenisation#lineEnd}; null = none
 * @param maxTokens documents: longer ones are cut; 0 = never
 * @param truncate which end is cut off
 * @param classes documents with labels: names of the classes by index; else empty
 */
public record TextContract(
    Layout layout,
    Tokenisation tokenisation,
    int vocabularySize,
    String vocabularyHash,
    Integer padId,
    int unknownId,
    Integer lineEndId,
    int maxTokens,
    Truncate truncate,
    List<String> classes)
    implements Serializable {

  /** What an example is. */
  public enum Layout {
    /** A document by itself. */
    DOCUMENTS,
    /** A stretch of one long text that goes on in the next batch. */
    STREAM
  }

  /** Which end of a long document is cut off. */
  public enum Truncate {
    END,
    START
  }
}
