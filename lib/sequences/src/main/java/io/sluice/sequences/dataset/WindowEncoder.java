package io.sluice.sequences.dataset;

import io.sluice.sequences.dataset.WindowContract.TargetType;
import io.sluice.sequences.dataset.WindowContract.WindowNormalization;
import java.util.Arrays;

/**
 * Turns windows of segments into network inputs and network outputs back into units, as the {@link
 * WindowContract} says.
 *
 * <p>Input order at a time step: each input channel's scaled value in contract order; then masks,
 * in the same order, where on; then time since last; then a sine and a cosine per calendar entry;
 * then each known-future channel's scaled value H steps ahead. A missing value is 0 after scaling
 * (the train mean or what else the scaler centres on) and after normalisation.
 *
 * <p><b>Normalisation per window.</b> With {@code last}, the newest known value of a channel in the
 * look-back is its anchor, with {@code mean} the mean of its known values there; a channel with no
 * known value has anchor 0. Anchors are in scaled units and are subtracted from the channel's
 * inputs, its known-future input and its targets.
 *
 * <p><b>Targets</b> of the window with origin n: forecast (h·K + k) is channel k at n + 1 + h,
 * scaled, minus its anchor; class and event are the label at n; remaining life is min(label, cap) /
 * cap. NaN where missing or past the segment's end.
 *
 * <p>A segment is scaled once and remembered: encode the windows of one segment after another. One
 * encoder serves one thread. Judged by {@code WindowReference} in the tests.
 */
public final class WindowEncoder {
  // a block of eight inputs is 8 · 8 · 32 bytes of the batch: well inside the first-level cache
  private static final int WINDOWS_PER_BLOCK = 8;
  private static final int STEPS_PER_BLOCK = 8;

  private final WindowContract contract;
  private final SegmentEncoder segments;
  private final boolean sequenceTargets;
  private final WindowNormalization normalization;
  private final int T;
  private final int H;
  private final int I;
  private final int targetSize;
  private final int[] targetChannels;
  private final int[] channelOfColumn;
  private final float[] anchorOfChannel;

  private Segment lastSegment;
  private EncodedSegment lastEncoded;

  /** An encoder whose batches have one target vector a window. */
  public WindowEncoder(WindowContract contract) {
    this(contract, false);
  }

  /**
   * An encoder for either kind of output.
   *
   * @param sequenceTargets whether batches also carry {@link WindowBatch#sequenceTargets()}, for
   *     networks with an output at every step
   */
  public WindowEncoder(WindowContract contract, boolean sequenceTargets) {
    this.contract = contract;
    this.segments = new SegmentEncoder(contract);
    this.sequenceTargets = sequenceTargets;
    this.normalization = contract.scaling().window();
    this.T = contract.lookBack();
    this.H = contract.horizon();
    this.I = contract.inputSize();
    this.targetSize = contract.targetSize();
    this.targetChannels = segments.targetChannels();
    this.channelOfColumn = segments.channelOfColumn();
    this.anchorOfChannel = new float[contract.channels().size()];
  }

  /** What a window is. */
  public WindowContract contract() {
    return contract;
  }

  /** An empty batch of the right shapes. */
  public WindowBatch newBatch(int capacity) {
    return new WindowBatch(contract, capacity, sequenceTargets);
  }

  /** Starts a batch of {@code size} windows; each must then be filled by {@link #encode}. */
  public void begin(WindowBatch batch, int size) {
    batch.resize(size);
  }

  /** Writes the window with its last look-back step at index {@code origin} into slot {@code b}. */
  public void encode(Segment segment, int origin, WindowBatch batch, int b) {
    encode(encoded(segment), origin, batch, b);
  }

  /**
   * Writes windows {@code first … first + count − 1} of {@link Segment#origins()} into the slots
   * from {@code b} on. Neighbouring windows without normalisation are contiguous in a time-major
   * batch, so this copies T blocks for all of them instead of T rows for each.
   */
  public void encodeAll(Segment segment, int first, int count, WindowBatch batch, int b) {
    encodeAll(encoded(segment), first, count, batch, b);
  }

  /** The segment scaled, for callers that hold many segments at once. */
  EncodedSegment encoded(Segment segment) {
    if (segment != lastSegment) {
      lastEncoded = segments.encode(segment);
      lastSegment = segment;
    }
    return lastEncoded;
  }

  void encode(EncodedSegment segment, int origin, WindowBatch batch, int b) {
    int start = startOf(segment, origin, batch, b);
    if (normalization == WindowNormalization.NONE) {
      copySteps(segment, start, 0, T, 1, batch, b);
    } else {
      findAnchors(segment, start, origin);
      copyNormalized(segment, start, batch, b);
    }
    finish(segment, start, origin, batch, b);
  }

  /**
   * Writes windows of any segments into the slots from {@code b} on, {@code origins[j]} of {@code
   * windows[j]}. Goes by blocks: a few windows and a few time steps at once, whose rows in the
   * time-major batch lie side by side, so each cache line of it is fetched once and not once a
   * window.
   */
  void encodeEach(EncodedSegment[] windows, int[] origins, int count, WindowBatch batch, int b) {
    if (normalization != WindowNormalization.NONE) {
      for (int j = 0; j < count; j++) {
        encode(windows[j], origins[j], batch, b + j);
      }
      return;
    }
    for (int j = 0; j < count; j++) {
      finish(windows[j], startOf(windows[j], origins[j], batch, b + j), origins[j], batch, b + j);
    }
    for (int j = 0; j < count; j += WINDOWS_PER_BLOCK) {
      int endOfBlock = Math.min(count, j + WINDOWS_PER_BLOCK);
      for (int t = 0; t < T; t += STEPS_PER_BLOCK) {
        int steps = Math.min(STEPS_PER_BLOCK, T - t);
        for (int w = j; w < endOfBlock; w++) {
          copySteps(windows[w], origins[w] - T + 1, t, steps, 1, batch, b + w);
        }
      }
    }
  }

  void encodeAll(EncodedSegment segment, int first, int count, WindowBatch batch, int b) {
    int[] origins = segment.origins();
    int end = first + count;
    for (int window = first; window < end; ) {
      int run = 1;
      while (normalization == WindowNormalization.NONE
          && window + run < end
          && origins[window + run] == origins[window] + run) {
        run++;
      }
      int slot = b + window - first;
      if (run == 1) {
        encode(segment, origins[window], batch, slot);
      } else {
        int start = startOf(segment, origins[window], batch, slot);
        startOf(segment, origins[window + run - 1], batch, slot + run - 1);
        copySteps(segment, start, 0, T, run, batch, slot);
        for (int r = 0; r < run; r++) {
          finish(segment, start + r, origins[window + r], batch, slot + r);
        }
      }
      window += run;
    }
  }

  /**
   * Network outputs in scaled units to the target's own unit, in place. Class and event outputs are
   * probabilities and stay as they are.
   *
   * @param predictions (B, H, K, Q) with Q values (quantiles) per target, row-major; for remaining
   *     life (B, 1, 1, Q)
   */
  public void toOriginalUnits(WindowBatch batch, float[] predictions, int Q) {
    int B = batch.size();
    int perWindow = Math.multiplyExact(contract.targetSize(), Q);
    switch (contract.target().type()) {
      case CLASS, EVENT -> {}
      case REMAINING_LIFE -> {
        checkLength(predictions, B, perWindow);
        for (int i = 0; i < B * perWindow; i++) {
          predictions[i] *= contract.target().cap();
        }
      }
      case FORECAST -> {
        checkLength(predictions, B, perWindow);
        int K = targetChannels.length;
        for (int k = 0; k < K; k++) {
          String channel = contract.target().channels().get(k);
          for (int b = 0; b < B; b++) {
            Scaler scaler = contract.scaling().of(batch.series(b), channel);
            float anchor = batch.anchors[b * K + k];
            for (int h = 0; h < H; h++) {
              int at = b * perWindow + (h * K + k) * Q;
              for (int q = 0; q < Q; q++) {
                predictions[at + q] =
                    (float) scaler.original((double) predictions[at + q] + anchor);
              }
            }
          }
        }
      }
    }
  }

  /** Index of the window's first look-back step; checks that the window fits where it goes. */
  private int startOf(EncodedSegment segment, int origin, WindowBatch batch, int b) {
    int start = origin - T + 1;
    if (start < 0 || origin >= segment.times().length) {
      throw new IllegalArgumentException(
          "origin is %d, expected %d ≤ origin < %d (look-back %d, %d steps in series %s)"
              .formatted(
                  origin,
                  T - 1,
                  segment.times().length,
                  T,
                  segment.times().length,
                  segment.series()));
    }
    if (b < 0 || b >= batch.size()) {
      throw new IllegalArgumentException(
          "slot is %d, the batch has %d windows".formatted(b, batch.size()));
    }
    return start;
  }

  /**
   * For {@code steps} time steps from {@code t} on: inputs[t, b … b + run − 1, :] = steps[start + t
   * … start + t + run − 1, :].
   */
  private void copySteps(
      EncodedSegment segment, int start, int t, int steps, int run, WindowBatch batch, int b) {
    float[] rows = segment.steps();
    float[] inputs = batch.inputs;
    int rowStride = batch.size() * I;
    int length = run * I;
    int from = (start + t) * I;
    int to = t * rowStride + b * I;
    if (length < 8) { // too short for arraycopy to pay
      for (int n = 0; n < steps; n++, from += I, to += rowStride) {
        for (int i = 0; i < length; i++) {
          inputs[to + i] = rows[from + i];
        }
      }
    } else {
      for (int n = 0; n < steps; n++, from += I, to += rowStride) {
        System.arraycopy(rows, from, inputs, to, length);
      }
    }
  }

  private void copyNormalized(EncodedSegment segment, int start, WindowBatch batch, int b) {
    float[] steps = segment.steps();
    float[] inputs = batch.inputs;
    int rowStride = batch.size() * I;
    for (int i = 0; i < I; i++) {
      int channel = channelOfColumn[i];
      float anchor = channel < 0 ? 0 : anchorOfChannel[channel];
      int from = start * I + i;
      int to = b * I + i;
      for (int t = 0; t < T; t++, from += I, to += rowStride) {
        float value = steps[from];
        inputs[to] = Float.isNaN(value) ? 0 : value - anchor;
      }
    }
  }

  private void findAnchors(EncodedSegment segment, int start, int origin) {
    for (int channel = 0; channel < anchorOfChannel.length; channel++) {
      float[] scaled = segment.scaled()[channel];
      if (scaled != null) {
        anchorOfChannel[channel] =
            normalization == WindowNormalization.LAST
                ? newest(scaled, start, origin)
                : mean(scaled, start, origin);
      }
    }
  }

  private static float newest(float[] scaled, int start, int origin) {
    for (int n = origin; n >= start; n--) {
      if (!Float.isNaN(scaled[n])) {
        return scaled[n];
      }
    }
    return 0;
  }

  private static float mean(float[] scaled, int start, int origin) {
    double sum = 0;
    int known = 0;
    for (int n = start; n <= origin; n++) {
      if (!Float.isNaN(scaled[n])) {
        sum += scaled[n];
        known++;
      }
    }
    return known == 0 ? 0 : (float) (sum / known);
  }

  /** Everything of a window but its inputs; anchors are found already. */
  private void finish(EncodedSegment segment, int start, int origin, WindowBatch batch, int b) {
    int K = targetChannels.length;
    for (int k = 0; k < K; k++) {
      batch.anchors[b * K + k] = anchorOfChannel[targetChannels[k]];
    }
    writeTarget(segment, origin, batch.targets, b * targetSize);
    if (batch.sequenceTargets.length > 0) {
      for (int t = 0; t < T; t++) {
        writeTarget(segment, start + t, batch.sequenceTargets, (b * T + t) * targetSize);
      }
    }
    batch.series[b] = segment.series();
    batch.origins[b] = segment.times()[origin];
  }

  private void writeTarget(EncodedSegment segment, int origin, float[] targets, int at) {
    TargetType type = contract.target().type();
    if (type != TargetType.FORECAST) {
      float label = segment.label() == null ? Float.NaN : segment.label()[origin];
      float cap = contract.target().cap();
      targets[at] = type == TargetType.REMAINING_LIFE ? Math.min(label, cap) / cap : label;
      return;
    }
    int N = segment.times().length;
    int K = targetChannels.length;
    int known = Math.max(0, Math.min(H, N - 1 - origin)) * K;
    System.arraycopy(segment.targets(), (origin + 1) * K, targets, at, known);
    if (normalization != WindowNormalization.NONE) {
      for (int i = 0; i < known; i++) {
        targets[at + i] -= anchorOfChannel[targetChannels[i % K]];
      }
    }
    Arrays.fill(targets, at + known, at + H * K, Float.NaN);
  }

  private void checkLength(float[] predictions, int B, int perWindow) {
    if (predictions.length < (long) B * perWindow) {
      throw new IllegalArgumentException(
          "predictions has length %d, expected B*H*K*Q = %d (B=%d, H*K*Q=%d)"
              .formatted(predictions.length, (long) B * perWindow, B, perWindow));
    }
  }
}
