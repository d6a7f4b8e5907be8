package io.sluice.recurrent.dropout;

/**
 * Inverted dropout of words: of each sequence some words are dropped, each with all its
 * occurrences, and the rows of those kept are divided by the share kept. What is dropped is, as of
 * {@link DropoutMask}, a function of the sequence's key, the step, the layer's name and the word.
 *
 * <p><b>Source.</b> Gal and Ghahramani, "A theoretically grounded application of dropout in
 * recurrent neural networks", NIPS 2016, section 4.2: rows of the embedding are dropped at random,
 * the same at all steps of a sequence.
 *
 * <p><b>Considered:</b> the same words in all sequences of a batch (Merity et al. 2017). It needs a
 * key of the batch besides those of its sequences, and is the noisier estimate of the same.
 */
public final class WordDropout {
  private final long layer;
  private final int threshold;
  private final int value;
  private final int[] bit = new int[1];

  /**
   * @param layer name; layers of one name drop the same
   * @param kept share of words, in (0, 1)
   */
  public WordDropout(String layer, double kept) {
    if (!(kept > 0 && kept < 1)) {
      throw new IllegalArgumentException("kept is %s, must be in (0, 1)".formatted(kept));
    }
    this.layer = KeepBits.of(layer + "/words");
    this.threshold = KeepBits.threshold(kept);
    this.value = Float.floatToRawIntBits((float) (1 / kept));
  }

  /**
   * @param ids (R) word of each row: row t·B + b is time step t of sequence b; negative is none
   * @param B sequences
   * @param factors (R) out: 1/kept or 0; 0 where there is no word
   */
  public void draw(int[] ids, int R, int B, float[] factors) {
    long[] keys = DropoutMask.rowKeys(layer, B);
    for (int r = 0; r < R; r++) {
      bit[0] = 0;
      if (ids[r] >= 0) {
        KeepBits.fill(keys[r % B], ids[r], threshold, value, bit, 0, 1);
      }
      factors[r] = Float.intBitsToFloat(bit[0]);
    }
  }
}
