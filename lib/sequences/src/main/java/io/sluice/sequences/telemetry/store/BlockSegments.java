package io.sluice.sequences.telemetry.store;

import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.telemetry.grid.DropReason;
import io.sluice.sequences.telemetry.grid.SeriesRange;
import io.sluice.sequences.telemetry.grid.StepGrid;
import io.sluice.sequences.telemetry.grid.WindowCutter;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.function.BiConsumer;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * Readings of one Spark partition, ordered as {@link SegmentShuffle} leaves them, as segments: read
 * as the iterator advances, one block in memory at a time.
 */
public final class BlockSegments implements Iterator<BlockSegments.Placed> {
  /** A segment, its split and the part it belongs to. */
  public record Placed(int part, Split split, Segment segment) {}

  private final Iterator<InternalRow> rows;
  private final BlockPlan plan;
  private final Map<String, SeriesRange> ranges;
  private final StepGrid steps;
  private final WindowCutter cutter;
  private final BiConsumer<Integer, TaskCounts> countSink;
  private final ArrayDeque<Placed> ready = new ArrayDeque<>();

  private boolean isOpen;
  private int part;
  private UTF8String series;
  private long block;
  private SeriesRange range;

  /**
   * @param countSink takes the counts of each part once it is done
   */
  public BlockSegments(
      Iterator<InternalRow> rows,
      BlockPlan plan,
      Map<String, SeriesRange> ranges,
      BiConsumer<Integer, TaskCounts> countSink) {
    this.rows = rows;
    this.plan = plan;
    this.ranges = ranges;
    this.countSink = countSink;
    this.steps =
        new StepGrid(plan.grid(), plan.shape(), plan.aggregates(), plan.rules().channels());
    this.cutter = new WindowCutter(plan.grid(), plan.shape(), plan.rules());
  }

  @Override
  public boolean hasNext() {
    while (ready.isEmpty() && rows.hasNext()) {
      add(rows.next());
    }
    if (ready.isEmpty() && isOpen) {
      finish();
      finishPart();
    }
    return !ready.isEmpty();
  }

  @Override
  public Placed next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return ready.removeFirst();
  }

  private void add(InternalRow row) {
    int rowPart = row.getInt(SegmentShuffle.PART);
    UTF8String rowSeries = row.getUTF8String(SegmentShuffle.SERIES);
    long rowBlock = row.getLong(SegmentShuffle.BLOCK);
    if (!isOpen || rowBlock != block || rowPart != part || !rowSeries.equals(series)) {
      if (isOpen) {
        finish();
        if (rowPart != part) {
          finishPart();
        }
      }
      if (series == null || !rowSeries.equals(series)) {
        series = rowSeries.clone(); // the row's own bytes are reused
        range = ranges.get(series.toString());
      }
      part = rowPart;
      block = rowBlock;
      isOpen = true;
      steps.begin(rowBlock);
    }
    long tick = row.getLong(SegmentShuffle.TICK);
    long arrival = row.getLong(SegmentShuffle.ARRIVAL);
    if (plan.wide()) {
      int tracks = plan.aggregates().length;
      for (int track = 0; track < tracks; track++) {
        int column = SegmentShuffle.VALUES + track;
        if (!row.isNullAt(column)) {
          steps.add(tick, arrival, track, row.getDouble(column));
        }
      }
    } else if (!row.isNullAt(SegmentShuffle.VALUES + 1)) {
      steps.add(
          tick,
          arrival,
          row.getInt(SegmentShuffle.VALUES),
          row.getDouble(SegmentShuffle.VALUES + 1));
    }
  }

  private void finish() {
    steps.end(plan.gapPolicy(), plan.maxGapSteps());
    cutter.cut(steps, range, (split, segment) -> ready.add(new Placed(part, split, segment)));
    isOpen = false;
  }

  /** Hands out what was counted since the last part. */
  private void finishPart() {
    var counts = new TaskCounts();
    long[] byReason = cutter.takeDropped();
    for (DropReason reason : DropReason.values()) {
      counts.addDropped(reason.label(), byReason[reason.ordinal()]);
    }
    long[] duplicates = steps.takeDuplicates();
    counts.addDuplicates("repeated", duplicates[0]);
    counts.addDuplicates("superseded-by-later-arrival", duplicates[1]);
    counts.addDuplicates("conflicting", duplicates[2]);
    countSink.accept(part, counts);
  }
}
