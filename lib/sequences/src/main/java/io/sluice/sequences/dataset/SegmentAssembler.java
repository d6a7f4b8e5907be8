package io.sluice.sequences.dataset;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;

/**
 * Gathers runs of rows into one {@link Segment}. Arrays grow by doubling and are handed over
 * trimmed, so a segment costs at most three times its own size while it is put together.
 *
 * <p>Columns stand in the order of {@link SegmentColumns#of}.
 */
final class SegmentAssembler {
  static final int SERIES = 0;
  static final int SEGMENT = 1;
  private static final int TIME = 2;
  private static final int FIRST_CHANNEL = 3;
  private static final int INITIAL_STEPS = 256;

  private final int C;
  private final int originColumn;
  private final int labelColumn;

  /** Channel of each age column, empty where the contract stores no ages. */
  private final int[] agedChannels;

  private String series;
  private long id;
  private int steps;
  private int windows;
  private int stepsOfLast = INITIAL_STEPS;

  private long[] times;
  private float[][] values;
  private short[][] ages;
  private float[] label;
  private int[] origins;

  SegmentAssembler(WindowContract contract) {
    this.C = contract.channels().size();
    this.originColumn = FIRST_CHANNEL + C;
    this.agedChannels =
        (contract.storesAges() ? contract.inputs() : List.<String>of())
            .stream().mapToInt(contract.channels()::indexOf).toArray();
    this.labelColumn = contract.storesLabel() ? originColumn + 1 + agedChannels.length : -1;
  }

  boolean isEmpty() {
    return series == null;
  }

  String series() {
    return series;
  }

  long id() {
    return id;
  }

  void begin(String newSeries, long newId) {
    series = newSeries;
    id = newId;
    steps = 0;
    windows = 0;
    times = new long[stepsOfLast];
    values = new float[C][stepsOfLast];
    ages = agedChannels.length == 0 ? null : new short[C][];
    for (int channel : agedChannels) {
      ages[channel] = new short[stepsOfLast];
    }
    label = labelColumn < 0 ? null : new float[stepsOfLast];
    origins = new int[stepsOfLast];
  }

  /** Adds {@code count} rows of the current batch, from {@code row} on. */
  void append(ParquetPart part, int row, int count) throws IOException {
    ensureCapacity(steps + count);
    System.arraycopy(part.column(TIME).getLongs(row, count), 0, times, steps, count);
    for (int channel = 0; channel < C; channel++) {
      appendFloats(part.column(FIRST_CHANNEL + channel), row, count, values[channel]);
    }
    appendOrigins(part.column(originColumn), row, count);
    for (int i = 0; i < agedChannels.length; i++) {
      appendAges(part.column(originColumn + 1 + i), row, count, ages[agedChannels[i]]);
    }
    if (labelColumn >= 0) {
      appendFloats(part.column(labelColumn), row, count, label);
    }
    steps += count;
  }

  /** The segment; the assembler is empty again. */
  Segment finish() {
    for (int channel = 0; channel < C; channel++) {
      values[channel] = trimmed(values[channel]);
      if (ages != null && ages[channel] != null && ages[channel].length != steps) {
        ages[channel] = Arrays.copyOf(ages[channel], steps);
      }
    }
    var segment =
        new Segment(
            series,
            id,
            times.length == steps ? times : Arrays.copyOf(times, steps),
            values,
            ages,
            label == null ? null : trimmed(label),
            Arrays.copyOf(origins, windows));
    stepsOfLast = steps;
    series = null;
    return segment;
  }

  private float[] trimmed(float[] array) {
    return array.length == steps ? array : Arrays.copyOf(array, steps);
  }

  private void appendFloats(WritableColumnVector column, int row, int count, float[] to) {
    System.arraycopy(column.getFloats(row, count), 0, to, steps, count);
    if (column.hasNull()) {
      for (int i = 0; i < count; i++) {
        if (column.isNullAt(row + i)) {
          to[steps + i] = Float.NaN;
        }
      }
    }
  }

  private void appendAges(WritableColumnVector column, int row, int count, short[] to) {
    System.arraycopy(column.getShorts(row, count), 0, to, steps, count);
    if (column.hasNull()) {
      for (int i = 0; i < count; i++) {
        if (column.isNullAt(row + i)) {
          to[steps + i] = Short.MAX_VALUE;
        }
      }
    }
  }

  private void appendOrigins(WritableColumnVector column, int row, int count) {
    for (int i = 0; i < count; i++) {
      if (!column.isNullAt(row + i) && column.getBoolean(row + i)) {
        origins[windows++] = steps + i;
      }
    }
  }

  private void ensureCapacity(int needed) {
    if (needed <= times.length) {
      return;
    }
    int capacity = Math.max(needed, Math.max(INITIAL_STEPS, 2 * times.length));
    times = Arrays.copyOf(times, capacity);
    for (int channel = 0; channel < C; channel++) {
      values[channel] = Arrays.copyOf(values[channel], capacity);
      if (ages != null && ages[channel] != null) {
        ages[channel] = Arrays.copyOf(ages[channel], capacity);
      }
    }
    if (label != null) {
      label = Arrays.copyOf(label, capacity);
    }
    origins = Arrays.copyOf(origins, capacity);
  }
}
