package io.sluice.sequences.dataset;

import io.sluice.sequences.dataset.WindowContract.TargetType;
import io.sluice.sequences.dataset.WindowContract.WindowNormalization;
import java.util.List;

/**
 * Scales a whole segment once: what does not depend on the window is done here, what does is done
 * by {@link WindowEncoder}.
 *
 * <p>Columns of a step, in order: input channels, masks, times since last, calendar, known future.
 */
final class SegmentEncoder {
  private static final int ROWS_PER_BLOCK = 256;

  private final WindowContract contract;
  private final boolean normalizes;
  private final CalendarCycles calendar;
  private final int[] inputs;
  private final int[] knownFuture;
  private final int[] targets;
  private final boolean[] isUsed;
  private final int I;

  SegmentEncoder(WindowContract contract) {
    this.contract = contract;
    this.normalizes = contract.scaling().window() != WindowNormalization.NONE;
    this.calendar =
        new CalendarCycles(contract.time(), contract.calendar(), contract.calendarZone());
    this.inputs = channels("inputs", contract.inputs());
    this.knownFuture = channels("knownFuture", contract.knownFuture());
    this.targets =
        contract.target().type() == TargetType.FORECAST
            ? channels("target.channels", contract.target().channels())
            : new int[0];
    this.I = contract.inputSize();
    this.isUsed = new boolean[contract.channels().size()];
    for (int[] group : new int[][] {inputs, knownFuture, targets}) {
      for (int channel : group) {
        isUsed[channel] = true;
      }
    }
  }

  /** Indices of the predicted channels; empty unless the target is a forecast. */
  int[] targetChannels() {
    return targets.clone();
  }

  /**
   * The channel whose value stands in each column of a step, or −1 for masks, times since last and
   * calendar: the columns a per-window anchor is subtracted from.
   */
  int[] channelOfColumn() {
    int[] channelOf = new int[I];
    java.util.Arrays.fill(channelOf, -1);
    System.arraycopy(inputs, 0, channelOf, 0, inputs.length);
    System.arraycopy(knownFuture, 0, channelOf, I - knownFuture.length, knownFuture.length);
    return channelOf;
  }

  EncodedSegment encode(Segment segment) {
    check(segment);
    float[][] scaled = scaled(segment);
    return new EncodedSegment(
        segment.series(),
        segment.times(),
        steps(segment, scaled),
        targets.length == 0 ? null : targets(segment, scaled),
        normalizes ? scaled : null,
        segment.label(),
        segment.origins());
  }

  /** Scaled values of each channel in use, NaN where missing; null for the others. */
  private float[][] scaled(Segment segment) {
    float[][] scaled = new float[isUsed.length][];
    for (int channel = 0; channel < scaled.length; channel++) {
      if (isUsed[channel]) {
        Scaler scaler = contract.scaling().of(segment.series(), contract.channels().get(channel));
        scaled[channel] = scaled(segment.values()[channel], scaler);
      }
    }
    return scaled;
  }

  private static float[] scaled(float[] values, Scaler scaler) {
    double center = scaler.center();
    double scale = scaler.scale();
    float[] scaled = new float[values.length];
    for (int n = 0; n < values.length; n++) {
      scaled[n] = (float) ((values[n] - center) / scale); // NaN stays NaN
    }
    return scaled;
  }

  private float[] steps(Segment segment, float[][] scaled) {
    int N = segment.steps();
    float missing = normalizes ? Float.NaN : 0;
    float[] steps = new float[Math.multiplyExact(N, I)];
    interleave(scaled, inputs, 0, missing, steps, I, 0);
    int column = inputs.length;
    if (contract.masks()) {
      for (int channel : inputs) {
        fillMask(segment.ages()[channel], steps, column++);
      }
    }
    if (contract.timeSinceLast()) {
      for (int channel : inputs) {
        fillTimeSinceLast(segment.ages()[channel], steps, column++);
      }
    }
    calendar.fill(segment.times(), steps, I, column);
    column += 2 * contract.calendar().size();
    interleave(scaled, knownFuture, contract.horizon(), missing, steps, I, column);
    return steps;
  }

  private float[] targets(Segment segment, float[][] scaled) {
    int K = targets.length;
    float[] rows = new float[Math.multiplyExact(segment.steps(), K)];
    interleave(scaled, targets, 0, Float.NaN, rows, K, 0);
    return rows;
  }

  /**
   * Channels side by side, a row a step: {@code rows[n, column + j] = scaled[channels[j]][n +
   * ahead]}, {@code missing} where that is NaN or past the end. Goes by blocks of rows that stay in
   * the first-level cache.
   */
  private static void interleave(
      float[][] scaled,
      int[] channels,
      int ahead,
      float missing,
      float[] rows,
      int rowLength,
      int column) {
    int N = rows.length / Math.max(1, rowLength);
    for (int from = 0; from < N; from += ROWS_PER_BLOCK) {
      int to = Math.min(N, from + ROWS_PER_BLOCK);
      for (int j = 0; j < channels.length; j++) {
        float[] values = scaled[channels[j]];
        int known = Math.max(from, Math.min(to, N - ahead));
        int at = from * rowLength + column + j;
        for (int n = from; n < known; n++, at += rowLength) {
          float value = values[n + ahead];
          rows[at] = Float.isNaN(value) ? missing : value;
        }
        for (int n = known; n < to; n++, at += rowLength) {
          rows[at] = missing;
        }
      }
    }
  }

  private void fillMask(short[] ages, float[] steps, int column) {
    for (int n = 0; n < ages.length; n++) {
      steps[n * I + column] = ages[n] == 0 ? 1 : 0;
    }
  }

  private void fillTimeSinceLast(short[] ages, float[] steps, int column) {
    float cap = Math.max(1, contract.maxGapSteps());
    for (int n = 0; n < ages.length; n++) {
      steps[n * I + column] = Math.min(1, ages[n] / cap);
    }
  }

  private void check(Segment segment) {
    if (segment.values().length != contract.channels().size()) {
      throw new IllegalArgumentException(
          "%s has %d channels, the contract has %d: %s"
              .formatted(
                  segment,
                  segment.values().length,
                  contract.channels().size(),
                  contract.channels()));
    }
    if (contract.storesAges() && segment.ages() == null) {
      throw new IllegalArgumentException(
          "%s has no ages, but the contract has masks or time since last".formatted(segment));
    }
  }

  private int[] channels(String where, List<String> names) {
    return names.stream()
        .mapToInt(
            name -> {
              int index = contract.channels().indexOf(name);
              if (index < 0) {
                throw new IllegalArgumentException(
                    "%s names channel %s, but the stored channels are %s"
                        .formatted(where, name, contract.channels()));
              }
              return index;
            })
        .toArray();
  }
}
