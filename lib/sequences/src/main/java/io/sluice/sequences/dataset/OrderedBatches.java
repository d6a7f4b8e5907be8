package io.sluice.sequences.dataset;

/** Batches in manifest order; neighbouring windows are copied together. */
final class OrderedBatches extends WindowBatches {
  private final SplitReader segments;
  private final int batchSize;
  private final long windows;
  private EncodedSegment segment;
  private int window;

  /**
   * @param windows of the split
   * @param first number of the first batch of this reader
   * @param end number after its last one
   * @param segments with the windows of these batches
   */
  OrderedBatches(
      WindowEncoder encoder,
      int batchSize,
      long windows,
      long first,
      long end,
      SplitReader segments) {
    super(encoder, (int) Math.min(batchSize, windows), first, end);
    this.batchSize = batchSize;
    this.windows = windows;
    this.segments = segments;
  }

  @Override
  void fill(WindowBatch target, long number) {
    long from = number * batchSize;
    int size = (int) Math.min(batchSize, windows - from);
    encoder.begin(target, size);
    int b = 0;
    while (b < size) {
      if (segment == null || window == segment.origins().length) {
        // the reader has held each part against the manifest, so there is a next one
        segment = encoder.encoded(segments.next());
        window = 0;
      }
      int count = Math.min(size - b, segment.origins().length - window);
      encoder.encodeAll(segment, window, count, target, b);
      window += count;
      b += count;
    }
    for (b = 0; b < size; b++) {
      target.positions[b] = from + b;
    }
  }

  @Override
  void checkEnd() {
    while (segments.hasNext()) {
      segments.next(); // a part with more than the manifest says fails at its end
    }
  }

  @Override
  void closeSource() {
    segments.close();
  }
}
