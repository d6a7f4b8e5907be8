package io.sluice.sequences.dataset;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;

/**
 * The segments of a split that hold windows of a range, one part after the other, with these
 * windows only. Parts outside the range are not opened, and one that the range ends in is read no
 * further.
 */
final class SplitReader implements Iterator<Segment>, AutoCloseable {
  /**
   * @param firstWindow number of the part's first window in its split
   */
  record NumberedPart(SequenceManifest.Part part, long firstWindow) {
    long endWindow() {
      return firstWindow + part.windows();
    }
  }

  private final Iterator<NumberedPart> parts;
  private final WindowRange range;
  private final Function<SequenceManifest.Part, SegmentReader> open;

  private SegmentReader reader;
  private boolean endsInPart;
  private long window;
  private Segment next;

  SplitReader(
      List<NumberedPart> parts,
      WindowRange range,
      Function<SequenceManifest.Part, SegmentReader> open) {
    this.parts = parts.iterator();
    this.range = range;
    this.open = open;
  }

  @Override
  public boolean hasNext() {
    while (next == null) {
      if (reader != null && endsInPart && range.isPassed(window)) {
        reader.close();
        reader = null;
      } else if (reader != null && reader.hasNext()) {
        Segment segment = reader.next();
        int[] origins = range.of(segment.origins(), window);
        window += segment.windows();
        if (origins.length > 0) {
          next = segment.withOrigins(origins);
        }
      } else if (parts.hasNext()) {
        NumberedPart part = parts.next();
        if (range.touches(part.firstWindow(), part.endWindow())) {
          window = part.firstWindow();
          endsInPart = range.endsBefore(part.endWindow());
          reader = open.apply(part.part());
        }
      } else {
        return false;
      }
    }
    return true;
  }

  @Override
  public Segment next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no more segments");
    }
    Segment segment = next;
    next = null;
    return segment;
  }

  @Override
  public void close() {
    if (reader != null) {
      reader.close();
    }
  }
}
