package io.sluice.sequences.dataset;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/** A place in the order of a shard. Holds the group it is in and asks for the next one ahead. */
final class ShardCursor {
  private final ShardOrder order;
  private final SliceSource source;

  private int g; // of the group in hand or, before the first one, to come
  private WindowGroup group;
  private int window;
  private Future<List<EncodedSegment>> ahead;

  /**
   * @param dealt windows before the place; groups that they fill are not read
   */
  ShardCursor(ShardOrder order, SliceSource source, long dealt) {
    this.order = order;
    this.source = source;
    long left = dealt;
    while (g < order.groups() && left >= Slice.windows(order.group(g))) {
      left -= Slice.windows(order.group(g++));
    }
    this.window = (int) left;
  }

  /** Asks for the group that comes next, so that it is here when it is needed. */
  void readAhead() {
    int next = group == null ? g : g + 1;
    if (ahead == null && next < order.groups()) {
      ahead = source.read(order.group(next));
    }
  }

  /** Puts the next window's segment and origin at index {@code b}. */
  void take(EncodedSegment[] segments, int[] origins, int b) {
    if (group == null || window == group.windows()) {
      nextGroup();
    }
    group.find(window++, segments, origins, b);
  }

  private void nextGroup() {
    readAhead();
    if (ahead == null) {
      throw new IllegalStateException("the shard ended before its windows were dealt out");
    }
    if (group != null) {
      g++;
      window = 0;
      group = null; // or three groups would be held while the next one is awaited
    }
    group = order.shuffled(g, await(ahead));
    ahead = null;
    readAhead();
  }

  void close() {
    if (ahead != null) {
      ahead.cancel(false);
      ahead = null;
    }
    group = null;
  }

  private static List<EncodedSegment> await(Future<List<EncodedSegment>> reading) {
    try {
      return reading.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for the next windows", e);
    } catch (CancellationException e) {
      throw new IllegalStateException("the windows were closed while they were read", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw new IllegalStateException("reading windows failed", e.getCause());
    }
  }
}
