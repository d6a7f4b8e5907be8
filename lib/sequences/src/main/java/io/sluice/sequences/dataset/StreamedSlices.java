package io.sluice.sequences.dataset;

import static org.apache.parquet.filter2.predicate.FilterApi.and;
import static org.apache.parquet.filter2.predicate.FilterApi.binaryColumn;
import static org.apache.parquet.filter2.predicate.FilterApi.gtEq;
import static org.apache.parquet.filter2.predicate.FilterApi.longColumn;
import static org.apache.parquet.filter2.predicate.FilterApi.ltEq;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.filter2.predicate.FilterPredicate;
import org.apache.parquet.io.api.Binary;

/**
 * Slices that are read from the lake each time, by {@value #THREADS} threads in the background.
 *
 * <p>A file is open while one group's slices are read and no longer, so what is held does not grow
 * with the number of shards. Row groups and pages of other segments are passed over by the file's
 * own statistics of series and segment.
 */
final class StreamedSlices implements SliceSource {
  private static final int THREADS = 2;

  private final String dataset;
  private final WindowContract contract;
  private final WindowSelection selection;
  private final Configuration hadoop;
  private final Footers footers;
  private final ThreadPoolExecutor background;

  StreamedSlices(
      String dataset,
      WindowContract contract,
      WindowSelection selection,
      int shards,
      Configuration hadoop) {
    this.dataset = dataset;
    this.contract = contract;
    this.selection = selection;
    this.hadoop = hadoop;
    this.footers = new Footers(shards);
    // an idle thread ends after a second, so a reader nobody closed holds none
    this.background =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            1,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              var thread = new Thread(task, "sequence-shard-reader");
              thread.setDaemon(true);
              return thread;
            });
    background.allowCoreThreadTimeOut(true);
  }

  @Override
  public Future<List<EncodedSegment>> read(List<Slice> slices) {
    return background.submit(() -> readNow(slices));
  }

  /** Stops after the groups that are being read. */
  @Override
  public void close() {
    background.shutdown();
    // not interrupted: a file system's client in the middle of a read takes that badly
    List<Runnable> waiting = new ArrayList<>();
    background.getQueue().drainTo(waiting);
    waiting.forEach(read -> ((Future<?>) read).cancel(false));
  }

  private List<EncodedSegment> readNow(List<Slice> slices) {
    List<EncodedSegment> encoded = new ArrayList<>(slices.size());
    var encoder = new SegmentEncoder(contract);
    for (int from = 0; from < slices.size(); ) {
      SequenceManifest.Part part = slices.get(from).part();
      int to = from + 1;
      while (to < slices.size() && slices.get(to).part() == part) {
        to++;
      }
      readPart(part, slices.subList(from, to), encoder, encoded);
      from = to;
    }
    return encoded;
  }

  private void readPart(
      SequenceManifest.Part part,
      List<Slice> slices,
      SegmentEncoder encoder,
      List<EncodedSegment> encoded) {
    try (var segments =
        new SegmentReader(dataset, part, contract, hadoop, footers, rowsOf(slices))) {
      for (Slice slice : slices) {
        Segment whole;
        do {
          if (!segments.hasNext()) {
            throw segments.changed();
          }
          whole = segments.next();
        } while (!slice.isOf(whole));
        Segment cut = slice.cut(whole, selection, contract.lookBack());
        if (cut == null) {
          throw segments.changed();
        }
        encoded.add(encoder.encode(cut));
      }
    }
  }

  /** A predicate that every row of these segments fulfils, and few others. */
  static FilterPredicate rowsOf(List<Slice> slices) {
    long firstSegment = Long.MAX_VALUE;
    long lastSegment = Long.MIN_VALUE;
    byte[] firstSeries = null;
    byte[] lastSeries = null;
    for (Slice slice : slices) {
      firstSegment = Math.min(firstSegment, slice.segment());
      lastSegment = Math.max(lastSegment, slice.segment());
      byte[] series = slice.series().getBytes(StandardCharsets.UTF_8);
      if (firstSeries == null || Arrays.compareUnsigned(series, firstSeries) < 0) {
        firstSeries = series;
      }
      if (lastSeries == null || Arrays.compareUnsigned(series, lastSeries) > 0) {
        lastSeries = series;
      }
    }
    var segment = longColumn(SegmentColumns.SEGMENT);
    var series = binaryColumn(SegmentColumns.SERIES);
    return and(
        and(gtEq(segment, firstSegment), ltEq(segment, lastSegment)),
        and(
            gtEq(series, Binary.fromConstantByteArray(firstSeries)),
            ltEq(series, Binary.fromConstantByteArray(lastSeries))));
  }
}
