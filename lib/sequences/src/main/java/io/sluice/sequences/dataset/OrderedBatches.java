package io.sluice.sequences.dataset;

/** Batches in manifest order; neighbouring windows are copied together. */
final class OrderedBatches extends WindowBatches {
  private final SplitReader segments;
  private EncodedSegment segment;
  private int window;

  OrderedBatches(WindowEncoder encoder, int batchSize, long windows, SplitReader segments) {
    super(encoder, batchSize, windows);
    this.segments = segments;
  }

  @Override
  void fill(WindowBatch target, int size) {
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
