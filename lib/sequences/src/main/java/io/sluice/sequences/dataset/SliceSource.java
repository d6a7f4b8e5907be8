package io.sluice.sequences.dataset;

import java.util.List;
import java.util.concurrent.Future;

/** Where the slices of a group come from: memory, or the lake. */
interface SliceSource extends AutoCloseable {
  /** The slices, encoded, in the order asked for; those of one part stand in its order. */
  Future<List<EncodedSegment>> read(List<Slice> slices);

  @Override
  void close();
}
