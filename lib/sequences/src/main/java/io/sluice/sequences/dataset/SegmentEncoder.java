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
  private final WindowContract contract;
  private final boolean normalizes;
  private final CalendarCycles calendar;
  private final int[] inputs;
  private final int[] knownFuture;
  private final boolean[] keepsScaled;
  private final int I;

  SegmentEncoder(WindowContract contract) {
    this.contract = contract;
    this.normalizes = contract.scaling().window() != WindowNormalization.NONE;
    this.calendar =
        new CalendarCycles(contract.time(), contract.calendar(), contract.calendarZone());
    this.inputs = channels("inputs", contract.inputs());
    this.knownFuture = channels("knownFuture", contract.knownFuture());
    this.I = contract.inputSize();
    this.keepsScaled = new boolean[contract.channels().size()];
    for (int channel : targetChannels()) {
      keepsScaled[channel] = true;
    }
    if (normalizes) {
      for (int channel : inputs) {
        keepsScaled[channel] = true;
      }
      for (int channel : knownFuture) {
        keepsScaled[channel] = true;
      }
    }
  }

  /** Indices of the predicted channels; empty unless the target is a forecast. */
  int[] targetChannels() {
    return contract.target().type() == TargetType.FORECAST
        ? channels("target.channels", contract.target().channels())
        : new int[0];
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
    int N = segment.steps();
    float[] steps = new float[Math.multiplyExact(N, I)];
    float[][] scaled = new float[contract.channels().size()][];

    int column = 0;
    for (int channel : inputs) {
      Scaler scaler = scaler(segment, channel);
      fillValues(segment.values()[channel], 0, scaler, steps, column++);
    }
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
    for (int channel : knownFuture) {
      Scaler scaler = scaler(segment, channel);
      fillValues(segment.values()[channel], contract.horizon(), scaler, steps, column++);
    }

    for (int channel = 0; channel < scaled.length; channel++) {
      if (keepsScaled[channel]) {
        scaled[channel] = scaled(segment.values()[channel], scaler(segment, channel));
      }
    }
    return new EncodedSegment(
        segment.series(), segment.times(), steps, scaled, segment.label(), segment.origins());
  }

  private Scaler scaler(Segment segment, int channel) {
    return contract.scaling().of(segment.series(), contract.channels().get(channel));
  }

  /** Scaled values read {@code ahead} steps later than they are written. */
  private void fillValues(float[] values, int ahead, Scaler scaler, float[] steps, int column) {
    float missing = normalizes ? Float.NaN : 0;
    double center = scaler.center();
    double scale = scaler.scale();
    int known = Math.max(0, values.length - ahead);
    int at = column;
    for (int n = 0; n < known; n++, at += I) {
      float value = values[n + ahead];
      steps[at] = Float.isNaN(value) ? missing : (float) ((value - center) / scale);
    }
    for (int n = known; n < values.length; n++, at += I) {
      steps[at] = missing;
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

  private static float[] scaled(float[] values, Scaler scaler) {
    float[] scaled = new float[values.length];
    for (int n = 0; n < values.length; n++) {
      scaled[n] = (float) scaler.scaled(values[n]); // NaN stays NaN
    }
    return scaled;
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
