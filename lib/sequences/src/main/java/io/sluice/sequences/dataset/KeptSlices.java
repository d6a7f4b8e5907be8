package io.sluice.sequences.dataset;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;

/**
 * Slices that stay in memory for the whole run.
 *
 * @param encoded by the index of the slice
 */
record KeptSlices(List<EncodedSegment> encoded) implements SliceSource {

  @Override
  public Future<List<EncodedSegment>> read(List<Slice> slices) {
    List<EncodedSegment> group = new ArrayList<>(slices.size());
    for (Slice slice : slices) {
      group.add(encoded.get(slice.index()));
    }
    return CompletableFuture.completedFuture(group);
  }

  @Override
  public void close() {}
}
