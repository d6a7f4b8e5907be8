package io.sluice.sequences.text.dataset;

/**
 * Names of the Parquet columns; {@code data-schemas/text-sequences.v1.json} says what each means.
 */
public final class TextColumns {
  /** BIGINT: number of the document in its file, from 0; ascending. */
  public static final String ROW = "row";

  /** STRING: name of the document. */
  public static final String ID = "id";

  /** INT: class index; null without labels. */
  public static final String LABEL = "label";

  /** BIGINT: number of the block in its split's stream, from 0; ascending. */
  public static final String BLOCK = "block";

  /** ARRAY of INT: token ids. */
  public static final String IDS = "ids";

  /** Tokens of each block of a stream but the last. */
  public static final int BLOCK_TOKENS = 4096;

  private TextColumns() {}
}
