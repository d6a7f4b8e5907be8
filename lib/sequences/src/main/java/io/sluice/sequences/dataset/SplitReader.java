package io.sluice.sequences.dataset;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;

/**
 * The segments of several parts, one part after the other, with the windows that a selection keeps.
 * Segments without a kept window are passed over.
 */
final class SplitReader implements Iterator<Segment>, AutoCloseable {
  /**
   * @param firstWindow number of the part's first window in its split
   */
  record NumberedPart(SequenceManifest.Part part, long firstWindow) {}

  private final Iterator<NumberedPart> parts;
  private final WindowSelection selection;
  private final Function<SequenceManifest.Part, SegmentReader> open;

  private SegmentReader reader;
  private long window;
  private Segment next;

  SplitReader(
      List<NumberedPart> parts,
      WindowSelection selection,
      Function<SequenceManifest.Part, SegmentReader> open) {
    this.parts = parts.iterator();
    this.selection = selection;
    this.open = open;
  }

  @Override
  public boolean hasNext() {
    while (next == null) {
      if (reader != null && reader.hasNext()) {
        Segment segment = reader.next();
        int[] origins = selection.of(segment.origins(), window);
        window += segment.windows();
        if (origins.length > 0) {
          next = segment.withOrigins(origins);
        }
      } else if (parts.hasNext()) {
        NumberedPart part = parts.next();
        window = part.firstWindow();
        reader = open.apply(part.part());
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
