package io.sluice.sequences.text;

import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.TextManifest;
import java.io.Serializable;

/** A part as a task has written it; no record, because Spark's Kryo cannot read one. */
final class WrittenPart implements Serializable {
  private static final long serialVersionUID = 1L;

  private final String attemptPath;
  private final String path;
  private final Split split;
  private final long rows;
  private final long tokens;
  private final long unknown;
  private final String hash;

  /**
   * @param attemptPath where it lies
   * @param path where it will lie, relative to the dataset
   * @param unknown tokens that the vocabulary lacks
   */
  WrittenPart(
      String attemptPath,
      String path,
      Split split,
      long rows,
      long tokens,
      long unknown,
      String hash) {
    this.attemptPath = attemptPath;
    this.path = path;
    this.split = split;
    this.rows = rows;
    this.tokens = tokens;
    this.unknown = unknown;
    this.hash = hash;
  }

  String attemptPath() {
    return attemptPath;
  }

  String path() {
    return path;
  }

  Split split() {
    return split;
  }

  long unknown() {
    return unknown;
  }

  TextManifest.Part toPart() {
    return new TextManifest.Part(path, split.label(), rows, tokens, hash);
  }
}
