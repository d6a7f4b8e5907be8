package io.sluice.sequences.telemetry.grid;

import io.sluice.sequences.telemetry.SequenceSettings.Aggregate;
import io.sluice.sequences.telemetry.SequenceSettings.GapPolicy;
import java.util.Arrays;

/**
 * The steps of one block and its halo, made from readings in time order.
 *
 * <p><b>Shapes.</b> N = {@link BlockShape#steps} steps, S tracks (stored channels, then the class
 * label where there is one): {@code values (S, N)}, NaN = missing; {@code ages (S, N)}, steps since
 * the last observation, 0 = observed here, {@link Short#MAX_VALUE} = longer ago than the longest
 * gap that is filled.
 *
 * <p>Readings of one time and track collapse to one: equal ones silently, else the later arrival
 * wins, else the larger value, so that the result does not depend on the order in which Spark
 * delivers ties. Those beyond the first are counted, by the block that owns the step alone: as in
 * conflict where the latest arrivals differ, else as superseded where any differ, else as repeated.
 *
 * <p>Arrays are reused from block to block. The inner loops hold no boxing and no allocation.
 */
public final class StepGrid {
  private final Grid grid;
  private final BlockShape shape;
  private final Aggregate[] aggregates;
  private final int tracks;
  private final int channels;
  private final double[][] values;
  private final short[][] ages;

  private long block;
  private long base;

  // the readings of one time
  private long tick;
  private final double[] reading;
  private final long[] arrivals;
  private final int[] beyondFirst;
  private final boolean[] differs;
  private final boolean[] conflicts;
  private final int[] touched;
  private int touchedCount;

  // the readings of one step
  private long step;
  private final StepAggregator[] stepAggregators;
  private final int[] stepTouched;
  private int stepTouchedCount;

  private long repeated;
  private long superseded;
  private long conflicting;

  /**
   * @param aggregates per track
   * @param channels tracks that gaps are filled in; those after them (the label) are left as they
   *     are
   */
  public StepGrid(Grid grid, BlockShape shape, Aggregate[] aggregates, int channels) {
    this.grid = grid;
    this.shape = shape;
    this.aggregates = aggregates.clone();
    this.tracks = aggregates.length;
    this.channels = channels;
    this.values = new double[tracks][shape.steps()];
    this.ages = new short[channels][shape.steps()];
    this.reading = new double[tracks];
    this.arrivals = new long[tracks];
    this.beyondFirst = new int[tracks];
    this.differs = new boolean[tracks];
    this.conflicts = new boolean[tracks];
    this.touched = new int[tracks];
    this.stepAggregators = new StepAggregator[tracks];
    this.stepTouched = new int[tracks];
    for (int s = 0; s < tracks; s++) {
      stepAggregators[s] = new StepAggregator(this.aggregates[s]);
    }
  }

  /** Starts a block. */
  public void begin(long newBlock) {
    block = newBlock;
    base = shape.firstStep(grid, newBlock);
    for (double[] track : values) {
      Arrays.fill(track, Double.NaN);
    }
    Arrays.fill(reading, Double.NaN);
    touchedCount = 0;
    stepTouchedCount = 0;
    tick = Long.MIN_VALUE;
    step = Long.MIN_VALUE;
  }

  /**
   * Adds a reading; times must not descend, nor arrivals within a time.
   *
   * @param value NaN is no reading
   */
  public void add(long atTick, long arrival, int track, double value) {
    if (atTick != tick) {
      finishTick();
      tick = atTick;
    }
    if (Double.isNaN(value)) {
      return;
    }
    double before = reading[track];
    if (Double.isNaN(before)) {
      touched[touchedCount++] = track;
      reading[track] = value + 0.0; // −0 and 0 are one value
      arrivals[track] = arrival;
      beyondFirst[track] = 0;
      return;
    }
    if (beyondFirst[track]++ == 0) {
      differs[track] = false;
      conflicts[track] = false;
    }
    differs[track] |= before != value;
    if (arrival > arrivals[track]) {
      conflicts[track] = false;
      reading[track] = value + 0.0;
      arrivals[track] = arrival;
    } else {
      conflicts[track] |= before != value;
      reading[track] = Math.max(before, value);
    }
  }

  private void countDuplicates(int track) {
    if (conflicts[track]) {
      conflicting += beyondFirst[track];
    } else if (differs[track]) {
      superseded += beyondFirst[track];
    } else {
      repeated += beyondFirst[track];
    }
  }

  private void finishTick() {
    if (touchedCount == 0) {
      return;
    }
    long at = grid.step(tick);
    if (at != step) {
      finishStep();
      step = at;
    }
    boolean owned = grid.block(at) == block;
    for (int i = 0; i < touchedCount; i++) {
      int track = touched[i];
      if (owned && beyondFirst[track] > 0) {
        countDuplicates(track);
      }
      if (stepAggregators[track].isEmpty()) {
        stepTouched[stepTouchedCount++] = track;
      }
      stepAggregators[track].add(reading[track]);
      reading[track] = Double.NaN;
    }
    touchedCount = 0;
  }

  private void finishStep() {
    for (int i = 0; i < stepTouchedCount; i++) {
      int track = stepTouched[i];
      double value = stepAggregators[track].take();
      long at = step - base;
      if (at >= 0 && at < shape.steps()) {
        values[track][(int) at] = value;
      }
    }
    stepTouchedCount = 0;
  }

  /** Ends the block: all its readings are in. Computes ages and fills gaps. */
  public void end(GapPolicy policy, int maxGapSteps) {
    finishTick();
    finishStep();
    for (int c = 0; c < channels; c++) {
      age(values[c], ages[c], maxGapSteps);
      switch (policy) {
        case FORWARD_FILL -> forwardFill(values[c], ages[c]);
        case INTERPOLATE -> interpolate(values[c], maxGapSteps);
        case MASK, CUT -> {}
      }
    }
  }

  private static void age(double[] track, short[] age, int maxGapSteps) {
    int last = -1;
    for (int n = 0; n < track.length; n++) {
      if (!Double.isNaN(track[n])) {
        last = n;
      }
      age[n] = last >= 0 && n - last <= maxGapSteps ? (short) (n - last) : Short.MAX_VALUE;
    }
  }

  private static void forwardFill(double[] track, short[] age) {
    for (int n = 1; n < track.length; n++) {
      if (age[n] != 0 && age[n] != Short.MAX_VALUE) {
        track[n] = track[n - 1];
      }
    }
  }

  private static void interpolate(double[] track, int maxGapSteps) {
    int last = -1;
    for (int n = 0; n < track.length; n++) {
      if (Double.isNaN(track[n])) {
        continue;
      }
      int gap = n - last - 1;
      if (last >= 0 && gap > 0 && gap <= maxGapSteps) {
        double from = track[last];
        double slope = (track[n] - from) / (n - last);
        for (int i = last + 1; i < n; i++) {
          track[i] = from + slope * (i - last);
        }
      }
      last = n;
    }
  }

  /** (S, N), valid after {@link #end}. */
  double[][] values() {
    return values;
  }

  /** (S, N), valid after {@link #end}; channels only. */
  short[][] ages() {
    return ages;
  }

  /** The step at index 0. */
  long base() {
    return base;
  }

  long block() {
    return block;
  }

  /**
   * Readings since the last call at a time that had one: equal ones, ones that a later arrival
   * replaced, ones in conflict.
   */
  public long[] takeDuplicates() {
    long[] taken = {repeated, superseded, conflicting};
    repeated = 0;
    superseded = 0;
    conflicting = 0;
    return taken;
  }
}
