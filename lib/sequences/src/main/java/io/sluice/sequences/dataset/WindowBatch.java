package io.sluice.sequences.dataset;

/**
 * B windows as flat arrays, ready for a network; reused from batch to batch by its owner.
 *
 * <p><b>Shapes.</b> T = look-back, I = {@link WindowContract#inputSize()}, K' = {@link
 * WindowContract#targetSize()}; row-major float32:
 *
 * <pre>
 * inputs    (T, B, I)   scaled
 * targets   (B, K')     forecasts scaled like the inputs; class index; remaining life / cap; NaN = unknown
 * sequenceTargets (B, T, K')   the same with each look-back step taken as the origin; empty where the
 *                       encoder was not asked for them
 * anchors   (B, K)      per-window normalisation of each target channel, in scaled units; 0 where off
 * series    (B)         names
 * origins   (B)         time of the last look-back step, ticks
 * positions (B)         in the order that a reader of the dataset deals out; 0 where an encoder is
 *                       used by itself
 * </pre>
 *
 * <p>Time-major, because a recurrent kernel reads step by step; DL4J's (B, I, T) is a permuted
 * view.
 */
public final class WindowBatch {
  private final int capacity;
  private int size;
  private int globalSize;
  final float[] inputs;
  final float[] targets;
  final float[] sequenceTargets;
  final float[] anchors;
  final String[] series;
  final long[] origins;
  final long[] positions;

  WindowBatch(WindowContract contract, int capacity, boolean withSequenceTargets) {
    if (capacity < 1) {
      throw new IllegalArgumentException("capacity is %d, expected at least 1".formatted(capacity));
    }
    this.capacity = capacity;
    this.size = capacity;
    this.inputs =
        new float
            [Math.multiplyExact(
                Math.multiplyExact(contract.lookBack(), capacity), contract.inputSize())];
    this.targets = new float[Math.multiplyExact(capacity, contract.targetSize())];
    this.sequenceTargets =
        withSequenceTargets
            ? new float[Math.multiplyExact(targets.length, contract.lookBack())]
            : new float[0];
    this.anchors =
        new float[Math.multiplyExact(capacity, Math.max(1, contract.target().channels().size()))];
    this.series = new String[capacity];
    this.origins = new long[capacity];
    this.positions = new long[capacity];
  }

  /** B, windows in this batch; 0 for a rank that has none of a global batch. */
  public int size() {
    return size;
  }

  /** Windows that all ranks have in this step, this batch included. */
  public int globalSize() {
    return globalSize;
  }

  void resize(int newSize) {
    resize(newSize, newSize);
  }

  /**
   * Makes this a rank's share of a global batch, to be filled by a {@link WindowEncoder}.
   *
   * @param newPositions of its windows
   * @param newGlobalSize windows that all ranks have
   */
  public void share(long[] newPositions, int newGlobalSize) {
    resize(newPositions.length, newGlobalSize);
    System.arraycopy(newPositions, 0, positions, 0, newPositions.length);
  }

  void resize(int newSize, int newGlobalSize) {
    if (newSize > capacity) {
      throw new IllegalArgumentException("size is %d, capacity %d".formatted(newSize, capacity));
    }
    this.size = newSize;
    this.globalSize = newGlobalSize;
  }

  /** (T, B, I), valid to index T·B·I with B = {@link #size()}. */
  public float[] inputs() {
    return inputs;
  }

  /** (B, K'). */
  public float[] targets() {
    return targets;
  }

  /** (B, T, K'), or empty. */
  public float[] sequenceTargets() {
    return sequenceTargets;
  }

  /** (B, K). */
  public float[] anchors() {
    return anchors;
  }

  /** The series of window {@code b}. */
  public String series(int b) {
    return series[b];
  }

  /**
   * Position of window {@code b} in the epoch's order over all ranks, or in manifest order: the
   * same for every number of ranks, so what is drawn for an example is seeded by it.
   */
  public long position(int b) {
    return positions[b];
  }

  /** Time of the last look-back step of window {@code b}, ticks. */
  public long origin(int b) {
    return origins[b];
  }
}
