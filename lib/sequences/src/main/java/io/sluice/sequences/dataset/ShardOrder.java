package io.sluice.sequences.dataset;

import java.util.ArrayList;
import java.util.List;

/**
 * The order of one shard's windows in one epoch: its pieces of parts are permuted, their slices
 * gathered into groups of a bounded number of encoded bytes, the groups permuted, and the windows
 * permuted within each group.
 *
 * <p>Windows mix within a group, and each batch mixes over the groups of all shards.
 */
final class ShardOrder {
  /**
   * Encoded bytes of the groups of all shards together. Part of the format: another value is
   * another order of windows for the same seed. Larger is better mixed; 64 MiB hold two million
   * steps of eight inputs, and twice that fits beside a network in a small executor.
   */
  static final long POOL_BYTES = 64L << 20;

  private final List<List<Slice>> groups;
  private final ShuffleOrder shuffle;

  /**
   * @param pieces the shard's slices, a list a part, in manifest order
   * @param groupBytes a group ends with the slice that reaches them
   */
  ShardOrder(
      List<List<Slice>> pieces, ShuffleOrder shuffle, WindowContract contract, long groupBytes) {
    this.shuffle = shuffle;
    List<List<Slice>> gathered = new ArrayList<>();
    List<Slice> group = new ArrayList<>();
    long bytes = 0;
    for (int piece : shuffle.permutation(pieces.size(), 0)) {
      for (Slice slice : pieces.get(piece)) {
        group.add(slice);
        bytes += bytesPerStep(contract) * slice.steps();
        if (bytes >= groupBytes) {
          gathered.add(group);
          group = new ArrayList<>();
          bytes = 0;
        }
      }
    }
    if (!group.isEmpty()) {
      gathered.add(group);
    }
    this.groups = new ArrayList<>(gathered.size());
    for (int g : shuffle.permutation(gathered.size(), 1)) {
      groups.add(gathered.get(g));
    }
  }

  /** What the size of a group is counted in: inputs, scaled channels and label, time, origin. */
  static long bytesPerStep(WindowContract contract) {
    return 4L * (contract.inputSize() + contract.channels().size() + 1) + 8 + 4;
  }

  int groups() {
    return groups.size();
  }

  /** Slices of the group that comes g-th. */
  List<Slice> group(int g) {
    return groups.get(g);
  }

  /** The windows of that group, once its slices are here, in their order. */
  WindowGroup shuffled(int g, List<EncodedSegment> encoded) {
    return new WindowGroup(encoded, shuffle, 2 + g);
  }
}
