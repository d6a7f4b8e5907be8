package io.sluice.sequences.dataset;

import io.sluice.sequences.dataset.SplitReader.NumberedPart;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Finds the slices of a rank's shards, part by part: each part that they touch is opened once and
 * read no further than they reach.
 *
 * <p>How many windows a segment has is known from its rows alone. Where slices are streamed later,
 * the columns that tell it are read and no channels; where they are kept, they are encoded on the
 * way.
 */
final class ShardReader {
  private final WindowContract contract;
  private final List<NumberedPart> parts;
  private final Function<SequenceManifest.Part, SegmentReader> open;
  private final SegmentEncoder encoder;

  /** Slices of all shards by index, encoded; empty where they are not kept. */
  private final List<EncodedSegment> kept = new ArrayList<>();

  private int slices;
  private String series;

  /**
   * @param contract of the dataset
   * @param parts of the split
   * @param open a part at the columns that are needed
   * @param keeps whether to encode the slices
   */
  ShardReader(
      WindowContract contract,
      List<NumberedPart> parts,
      Function<SequenceManifest.Part, SegmentReader> open,
      boolean keeps) {
    this.contract = contract;
    this.parts = parts;
    this.open = open;
    this.encoder = keeps ? new SegmentEncoder(contract) : null;
  }

  /** A contract of the same parts that has none of their channels. */
  static WindowContract withoutChannels(WindowContract contract) {
    return new WindowContract(
        contract.time(),
        contract.lookBack(),
        contract.horizon(),
        contract.stride(),
        List.of(),
        List.of(),
        false,
        false,
        0,
        List.of(),
        contract.calendarZone(),
        List.of(),
        new WindowContract.Target(WindowContract.TargetType.FORECAST, List.of(), List.of(), 0, 0),
        contract.scaling());
  }

  List<EncodedSegment> kept() {
    return kept;
  }

  /** The slices of each shard, a list a part that it touches. */
  List<List<List<Slice>>> read(List<WindowRange> shards) {
    List<List<List<Slice>>> piecesOf = new ArrayList<>();
    for (int i = 0; i < shards.size(); i++) {
      piecesOf.add(new ArrayList<>());
    }
    int first = 0; // the first shard that does not end before the part
    for (NumberedPart part : parts) {
      while (first < shards.size() && shards.get(first).isPassed(part.firstWindow())) {
        first++;
      }
      int end = first;
      while (end < shards.size() && !shards.get(end).beginsAfter(part.endWindow())) {
        end++;
      }
      read(part, shards, first, end, piecesOf);
    }
    return piecesOf;
  }

  /** One part, for the shards {@code first … end − 1}. */
  private void read(
      NumberedPart part,
      List<WindowRange> shards,
      int first,
      int end,
      List<List<List<Slice>>> piecesOf) {
    boolean isTouched = false;
    for (int i = first; i < end; i++) {
      isTouched |= shards.get(i).touches(part.firstWindow(), part.endWindow());
    }
    if (!isTouched) {
      return;
    }
    List<List<Slice>> pieces = new ArrayList<>();
    for (int i = first; i < end; i++) {
      pieces.add(new ArrayList<>());
    }
    WindowRange last = shards.get(end - 1);
    boolean endsInPart = last.endsBefore(part.endWindow());
    long window = part.firstWindow();
    int begin = first;
    try (SegmentReader segments = open.apply(part.part())) {
      while (!(endsInPart && last.isPassed(window)) && segments.hasNext()) {
        Segment segment = segments.next();
        series = segment.series().equals(series) ? series : segment.series();
        long after = window + segment.windows();
        while (begin < end && shards.get(begin).isPassed(window)) {
          begin++;
        }
        for (int i = begin; i < end && !shards.get(i).beginsAfter(after); i++) {
          Slice slice =
              Slice.of(segment, series, window, shards.get(i), contract, part.part(), slices);
          if (slice != null) {
            pieces.get(i - first).add(slice);
            slices++;
            keep(slice, segment, shards.get(i), segments);
          }
        }
        window = after;
      }
    }
    for (int i = first; i < end; i++) {
      if (!pieces.get(i - first).isEmpty()) {
        piecesOf.get(i).add(pieces.get(i - first));
      }
    }
  }

  private void keep(Slice slice, Segment segment, WindowRange shard, SegmentReader reader) {
    if (encoder == null) {
      return;
    }
    Segment cut = slice.cut(segment, shard.selection(), contract.lookBack());
    if (cut == null) {
      throw reader.changed();
    }
    kept.add(encoder.encode(cut));
  }
}
