package io.sluice.sequences.dataset;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Fills one group of segments after another, the next one in the background while the last one is
 * dealt out: two groups in memory at most.
 */
final class GroupReader implements AutoCloseable {
  /**
   * Encoded bytes of a group. Part of the format: another value is another order of windows for the
   * same seed. Windows mix within a group only, so larger is better mixed; 64 MiB hold two million
   * steps of eight inputs, and two groups fit beside a network in a small executor.
   */
  static final long GROUP_BYTES = 64L << 20;

  private final SplitReader segments;
  private final SegmentEncoder encoder;
  private final ShuffleOrder shuffle;
  private final long bytesPerStep;
  private final long groupBytes;
  private final ThreadPoolExecutor background;

  private int groups;
  private Future<WindowGroup> ahead;

  GroupReader(
      SplitReader segments, WindowContract contract, ShuffleOrder shuffle, long groupBytes) {
    this.segments = segments;
    this.encoder = new SegmentEncoder(contract);
    this.shuffle = shuffle;
    this.groupBytes = groupBytes;
    // inputs, scaled channels and label, time, origin: what the size of a group is counted in
    this.bytesPerStep = 4L * (contract.inputSize() + contract.channels().size() + 1) + 8 + 4;
    // an idle thread ends after a second, so a reader nobody closed holds none
    this.background =
        new ThreadPoolExecutor(
            1,
            1,
            1,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              var thread = new Thread(task, "sequence-group-reader");
              thread.setDaemon(true);
              return thread;
            });
    background.allowCoreThreadTimeOut(true);
  }

  /** The next group, or null after the last one. */
  WindowGroup next() {
    if (ahead == null) {
      ahead = background.submit(this::read);
    }
    WindowGroup group = await(ahead);
    ahead = group == null ? null : background.submit(this::read);
    return group;
  }

  /** Stops after the group that is being read; the open file is closed in the background. */
  @Override
  public void close() {
    if (!background.isShutdown()) {
      background.execute(segments::close);
      background.shutdown();
    }
  }

  private WindowGroup read() {
    List<EncodedSegment> group = new ArrayList<>();
    long bytes = 0;
    while (bytes < groupBytes && segments.hasNext()) {
      Segment segment = segments.next();
      group.add(encoder.encode(segment));
      bytes += bytesPerStep * segment.steps();
    }
    return group.isEmpty() ? null : new WindowGroup(group, shuffle, ++groups);
  }

  private static WindowGroup await(Future<WindowGroup> reading) {
    try {
      return reading.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for the next windows", e);
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
