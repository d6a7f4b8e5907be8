package io.sluice.sequences.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A shard of 20 slices of 5 windows each, whose groups are two slices. */
class ShardCursorTest {
  private static final int SLICES = 20;
  private static final int WINDOWS = 5;

  private final WindowContract contract = TinyDataset.forecast().contract();
  private final List<List<Slice>> asked = new ArrayList<>();
  private final SliceSource source =
      new SliceSource() {
        @Override
        public Future<List<EncodedSegment>> read(List<Slice> slices) {
          asked.add(slices);
          return CompletableFuture.completedFuture(
              slices.stream().map(ShardCursorTest.this::encoded).toList());
        }

        @Override
        public void close() {}
      };

  @Test
  void holdsOneGroupAndAsksForOneAhead() {
    var cursor = new ShardCursor(order(), source, 0);
    cursor.readAhead();
    for (int taken = 0; taken < SLICES * WINDOWS; taken++) {
      int finished = taken / (2 * WINDOWS);
      assertThat(asked.size()).isLessThanOrEqualTo(finished + 2);
      take(cursor);
    }

    assertThat(asked).hasSize(SLICES / 2).doesNotHaveDuplicates();
  }

  @Test
  void groupsBeforeThePlaceAreNotRead() {
    var whole = new ShardCursor(order(), source, 0);
    var windows = new ArrayList<String>();
    for (int i = 0; i < SLICES * WINDOWS; i++) {
      windows.add(take(whole));
    }
    for (int dealt : new int[] {1, 9, 10, 11, 57, 99}) {
      asked.clear();
      var cursor = new ShardCursor(order(), source, dealt);
      var rest = new ArrayList<String>();
      for (int i = dealt; i < SLICES * WINDOWS; i++) {
        rest.add(take(cursor));
      }

      assertThat(rest).isEqualTo(windows.subList(dealt, windows.size()));
      assertThat(asked).hasSize(SLICES / 2 - dealt / (2 * WINDOWS));
    }
  }

  @Test
  void everyWindowComesOnce() {
    var cursor = new ShardCursor(order(), source, 0);
    Set<String> windows = new HashSet<>();
    for (int i = 0; i < SLICES * WINDOWS; i++) {
      windows.add(take(cursor));
    }

    assertThat(windows).hasSize(SLICES * WINDOWS);
  }

  private static String take(ShardCursor cursor) {
    var segment = new EncodedSegment[1];
    var origin = new int[1];
    cursor.take(segment, origin, 0);
    return segment[0].series() + "@" + origin[0];
  }

  private ShardOrder order() {
    var part = new SequenceManifest.Part("part", "train", SLICES, 0, 0, "");
    List<Slice> piece =
        IntStream.range(0, SLICES)
            .mapToObj(i -> new Slice(i, part, "s" + i, i, 0, 100, i * WINDOWS, WINDOWS))
            .toList();
    long groupBytes = 150 * ShardOrder.bytesPerStep(contract);
    return new ShardOrder(List.of(piece), new ShuffleOrder(1, 2, 3), contract, groupBytes);
  }

  private EncodedSegment encoded(Slice slice) {
    int[] origins = IntStream.range(0, WINDOWS).toArray();
    return new EncodedSegment(slice.series(), null, null, null, null, null, origins);
  }
}
