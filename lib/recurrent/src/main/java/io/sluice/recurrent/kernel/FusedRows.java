package io.sluice.recurrent.kernel;

/**
 * A block of rows of one time step, apart by gate: what a {@link FusedCell} works on.
 *
 * <p>Each array holds the rows of the block one behind the other, H numbers each, so that every
 * loop of a cell runs over arrays of its own by one and the same index. That is the form that
 * HotSpot turns into vector instructions; with offsets that differ it computes one number at a
 * time. A block is small enough for the processor's inner caches.
 */
final class FusedRows {
  /** Numbers in an array of a block, if a row is not longer. */
  private static final int BLOCK = 2048;

  final int H;

  /** Rows that have room. */
  final int capacity;

  /** G gates: W·x, and + RW·h⁻ where a cell does not keep the sides apart; then what is kept. */
  final float[][] a;

  /** G gates: RW·h⁻ where the sides are apart. */
  final float[][] r;

  /** What else is kept, H numbers a row. */
  final float[][] extra;

  /** What else is kept, one number a row. */
  final float[][] scales;

  final float[][] da;

  /** {@link #da} itself where the sides are not apart. */
  final float[][] dr;

  final float[] h;
  final float[] dh;

  /** Room for whatever a cell needs between its loops. */
  final float[] work;

  final float[] work2;

  /** What goes from one time step to the next, of one block. */
  static final class State {
    /** Before the step, where the pointwise half reads it. */
    final float[] h;

    /** What of ∂L/∂h⁻ does not go through RW. */
    final float[] dhPast;

    final float[] dc;

    /** After the step. */
    float[] c;

    /** Before the step. */
    float[] cBefore;

    State(int length) {
      h = new float[length];
      dhPast = new float[length];
      dc = new float[length];
      c = new float[length];
      cBefore = new float[length];
    }

    /** On to the next step, or back to the last. */
    void swapCellStates() {
      float[] after = c;
      c = cBefore;
      cBefore = after;
    }
  }

  FusedRows(int H, int gates, boolean apart, int extras, int scales) {
    this.H = H;
    this.capacity = capacity(H);
    int length = capacity * H;
    this.a = new float[gates][length];
    this.r = apart ? new float[gates][length] : new float[0][];
    this.extra = new float[extras][length];
    this.scales = new float[scales][capacity];
    this.da = new float[gates][length];
    this.dr = apart ? new float[gates][length] : da;
    this.h = new float[length];
    this.dh = new float[length];
    this.work = new float[length];
    this.work2 = new float[length];
  }

  static int capacity(int H) {
    return Math.max(1, BLOCK / H);
  }

  /**
   * Takes {@code rows} rows of all gates apart: gates[g][row·H + j] = joined[row·G·H + g·H + j].
   */
  void split(float[] joined, float[][] gates, int rows) {
    int from = 0;
    for (int row = 0; row < rows; row++) {
      for (float[] gate : gates) {
        System.arraycopy(joined, from, gate, row * H, H);
        from += H;
      }
    }
  }

  /** The way back. */
  void join(float[][] gates, float[] joined, int rows) {
    int to = 0;
    for (int row = 0; row < rows; row++) {
      for (float[] gate : gates) {
        System.arraycopy(gate, row * H, joined, to, H);
        to += H;
      }
    }
  }
}
