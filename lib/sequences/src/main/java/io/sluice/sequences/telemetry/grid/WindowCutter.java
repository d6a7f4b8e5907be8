package io.sluice.sequences.telemetry.grid;

import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import java.io.Serializable;
import java.util.Arrays;
import java.util.function.BiConsumer;

/**
 * Finds the windows of a finished block and hands out one segment per split that has any: the steps
 * from the first window's first input to the last window's last target.
 *
 * <p>Origins lie at steps divisible by the stride, so that late data never shifts them.
 */
public final class WindowCutter {
  /**
   * What makes a window.
   *
   * @param lookBack T
   * @param horizon H, forecast steps that must be known; 0 while scoring
   * @param stride steps between origins
   * @param channels C, stored channels; the label's track, if any, comes after them
   * @param inputs indices of the input channels
   * @param targets indices of the forecast channels
   * @param knownFuture indices of the channels also read {@code futureSteps} ahead
   * @param futureSteps how far ahead they are read
   * @param keepsMissing whether a window may have missing inputs, because masks say so
   * @param storesAges whether segments carry ages
   * @param classes V, for class targets; else 0
   * @param labels targets judged at the origin
   * @param newestOnly keep the newest origin alone
   */
  public record Rules(
      int lookBack,
      int horizon,
      int stride,
      int channels,
      int[] inputs,
      int[] targets,
      int[] knownFuture,
      int futureSteps,
      boolean keepsMissing,
      boolean storesAges,
      int classes,
      Labels labels,
      boolean newestOnly)
      implements Serializable {}

  private final Grid grid;
  private final BlockShape shape;
  private final Rules rules;
  private final long[] dropped = new long[DropReason.values().length];
  private final int[] inputRun;
  private final int[] observedRun;
  private final int[] targetRun;
  private final int[] futureRun;
  private final float[] label;
  private final int[] votes;
  private final int[][] origins;
  private final int[] originCount = new int[SeriesRange.SPLITS.length];

  public WindowCutter(Grid grid, BlockShape shape, Rules rules) {
    this.grid = grid;
    this.shape = shape;
    this.rules = rules;
    int N = shape.steps();
    this.inputRun = new int[N];
    this.observedRun = new int[N];
    this.targetRun = new int[N];
    this.futureRun = new int[N];
    this.label = new float[N];
    this.votes = new int[rules.classes()];
    this.origins = new int[SeriesRange.SPLITS.length][shape.segmentSteps()];
  }

  /** Cuts a block on which {@link StepGrid#end} was called. */
  public void cut(StepGrid steps, SeriesRange range, BiConsumer<Split, Segment> sink) {
    runs(steps.values(), rules.inputs(), inputRun);
    observed(steps.ages());
    runs(steps.values(), rules.targets(), targetRun);
    runs(steps.values(), rules.knownFuture(), futureRun);
    Arrays.fill(originCount, 0);
    long[] events = rules.labels().eventsOf(range.series());

    int lookBack = rules.lookBack();
    long base = steps.base();
    long first = Math.max(grid.firstStep(steps.block()), range.firstStep() + lookBack - 1);
    long last =
        Math.min(
            grid.firstStep(steps.block()) + shape.segmentSteps() - 1,
            range.lastStep() - rules.horizon());
    long start = first + Math.floorMod(-first, (long) rules.stride());
    for (long origin = start; origin <= last; origin += rules.stride()) {
      int n = (int) (origin - base);
      Split split = range.splitOf(origin);
      DropReason reason =
          split == null ? DropReason.BETWEEN_SPLITS : whyNot(steps, range, events, origin, n);
      if (reason != null) {
        dropped[reason.ordinal()]++;
      } else {
        int s = split.ordinal();
        if (rules.newestOnly()) {
          originCount[s] = 0;
        }
        origins[s][originCount[s]++] = n;
      }
    }
    for (Split split : SeriesRange.SPLITS) {
      if (originCount[split.ordinal()] > 0) {
        sink.accept(split, segment(steps, range, split.ordinal()));
      }
    }
  }

  private DropReason whyNot(StepGrid steps, SeriesRange range, long[] events, long origin, int n) {
    int lookBack = rules.lookBack();
    if (!rules.keepsMissing()) {
      if (inputRun[n] < lookBack
          || (rules.knownFuture().length > 0 && futureRun[n + rules.futureSteps()] < lookBack)) {
        return DropReason.INPUT_MISSING;
      }
    } else if (observedRun[n] >= lookBack) {
      return DropReason.NOTHING_OBSERVED;
    }
    if (rules.targets().length > 0 && targetRun[n + rules.horizon()] < rules.horizon()) {
      return DropReason.TARGET_MISSING;
    }
    Labels labels = rules.labels();
    if (!labels.areWanted()) {
      return null;
    }
    if (labels.type() == TargetType.CLASS) {
      label[n] = labels.classOf(steps.values()[rules.channels()], n, lookBack, votes);
      return Float.isNaN(label[n]) ? DropReason.LABEL_MISSING : null;
    }
    DropReason reason = labels.whyNot(range, events, origin);
    if (reason == null) {
      label[n] = labels.valueOf(range, events, origin);
    }
    return reason;
  }

  /** {@code run[n]} = consecutive steps up to n at which no channel is missing. */
  private static void runs(double[][] values, int[] channels, int[] run) {
    if (channels.length == 0) {
      return;
    }
    for (int n = 0; n < run.length; n++) {
      boolean isComplete = true;
      for (int c : channels) {
        isComplete &= !Double.isNaN(values[c][n]);
      }
      run[n] = isComplete ? (n == 0 ? 1 : run[n - 1] + 1) : 0;
    }
  }

  /** {@code run[n]} = consecutive steps up to n at which no input was observed. */
  private void observed(short[][] ages) {
    if (!rules.keepsMissing()) {
      return;
    }
    for (int n = 0; n < observedRun.length; n++) {
      boolean isObserved = false;
      for (int c : rules.inputs()) {
        isObserved |= ages[c][n] == 0;
      }
      observedRun[n] = isObserved ? 0 : (n == 0 ? 1 : observedRun[n - 1] + 1);
    }
  }

  private Segment segment(StepGrid steps, SeriesRange range, int s) {
    int count = originCount[s];
    int from = origins[s][0] - rules.lookBack() + 1;
    // while scoring a plan known ahead may reach less far than it could
    int ahead = Math.max(rules.horizon(), rules.futureSteps());
    long end = Math.max(range.lastStep(), steps.base() + origins[s][count - 1]);
    int to = (int) Math.min(origins[s][count - 1] + (long) ahead, end - steps.base());
    int length = to - from + 1;
    var times = new long[length];
    for (int i = 0; i < length; i++) {
      times[i] = grid.tick(steps.base() + from + i);
    }
    var values = new float[rules.channels()][length];
    for (int c = 0; c < values.length; c++) {
      double[] track = steps.values()[c];
      for (int i = 0; i < length; i++) {
        values[c][i] = (float) track[from + i];
      }
    }
    short[][] ages = null;
    if (rules.storesAges()) {
      ages = new short[rules.channels()][];
      for (int c : rules.inputs()) {
        ages[c] = Arrays.copyOfRange(steps.ages()[c], from, to + 1);
      }
    }
    var cut = new int[count];
    float[] targets = null;
    if (rules.labels().areWanted()) {
      targets = new float[length];
      Arrays.fill(targets, Float.NaN);
    }
    for (int i = 0; i < count; i++) {
      cut[i] = origins[s][i] - from;
      if (targets != null) {
        targets[cut[i]] = label[origins[s][i]];
      }
    }
    return new Segment(range.series(), steps.block(), times, values, ages, targets, cut);
  }

  /** Windows not made since the last call, by {@link DropReason#ordinal}. */
  public long[] takeDropped() {
    long[] taken = dropped.clone();
    Arrays.fill(dropped, 0);
    return taken;
  }
}
