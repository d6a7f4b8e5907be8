package io.sluice.sequences.dataset;

import java.io.Serializable;
import java.util.List;
import java.util.Map;

/**
 * What a window is and what a network sees of it: written into the dataset manifest, copied into
 * the model bundle, obeyed by scoring.
 *
 * @param time the resampling grid
 * @param lookBack T, input steps
 * @param horizon H, predicted steps; 0 unless the target is a forecast
 * @param stride steps from one window to the next
 * @param channels all stored channels in the order of {@link Segment#values()}
 * @param inputs names of the channels that are inputs, in order
 * @param masks whether each input channel has a 0/1 input "observed in this step"
 * @param timeSinceLast whether each input channel has an input "steps since observed /
 *     maxGapSteps", capped at 1
 * @param maxGapSteps longest gap that was filled
 * @param calendar calendar inputs, a sine and a cosine each
 * @param calendarZone the zone calendar inputs are taken in
 * @param knownFuture inputs that are read {@code horizon} steps ahead as well
 * @param target what is predicted
 * @param scaling how values become network inputs
 */
public record WindowContract(
    TimeAxis time,
    int lookBack,
    int horizon,
    int stride,
    List<String> channels,
    List<String> inputs,
    boolean masks,
    boolean timeSinceLast,
    int maxGapSteps,
    List<Calendar> calendar,
    String calendarZone,
    List<String> knownFuture,
    Target target,
    Scaling scaling)
    implements Serializable {

  /** Calendar inputs, each a sine and a cosine of the position in its cycle. */
  public enum Calendar {
    HOUR_OF_DAY,
    DAY_OF_WEEK,
    DAY_OF_YEAR,
    MONTH
  }

  /** Kinds of target. */
  public enum TargetType {
    /** H future steps of some channels. */
    FORECAST,
    /** A class at the origin. */
    CLASS,
    /** 1 if an event follows within the lead time. */
    EVENT,
    /** Steps to the end of life, capped. */
    REMAINING_LIFE
  }

  /**
   * @param type kind of target
   * @param channels forecast: the predicted channels, K of them, in order
   * @param classes class and event: names of the classes by index, V of them; else empty
   * @param leadSteps event: steps of lead time; else 0
   * @param cap remaining life: the cap in steps, which is also the scale; else 0
   */
  public record Target(
      TargetType type, List<String> channels, List<String> classes, int leadSteps, int cap)
      implements Serializable {}

  /** What is subtracted from each window on top of the scaler. */
  public enum WindowNormalization {
    NONE,
    /** The channel's value at the origin. */
    LAST,
    /** The channel's mean over the look-back. */
    MEAN
  }

  /**
   * @param method the setting's name, for people
   * @param window subtracted per window and channel; added back to predictions
   * @param global scaler per channel
   * @param bySeries scaler per series and channel; empty with global scope
   */
  public record Scaling(
      String method,
      WindowNormalization window,
      Map<String, Scaler> global,
      Map<String, Map<String, Scaler>> bySeries)
      implements Serializable {

    /** The scaler of a channel in a series; an unseen series takes the global one. */
    public Scaler of(String series, String channel) {
      Map<String, Scaler> own = bySeries.get(series);
      return own != null && own.containsKey(channel)
          ? own.get(channel)
          : global.getOrDefault(channel, Scaler.IDENTITY);
    }
  }

  /** I, numbers a network sees per time step. */
  public int inputSize() {
    int perChannel = 1 + (masks ? 1 : 0) + (timeSinceLast ? 1 : 0);
    return inputs.size() * perChannel + 2 * calendar.size() + knownFuture.size();
  }

  /**
   * Numbers per target: H·K for a forecast (index h·K + k), else 1 (class index, or capped life).
   */
  public int targetSize() {
    return target.type() == TargetType.FORECAST ? horizon * target.channels().size() : 1;
  }

  /** Whether segments carry steps since the last observation of each input channel. */
  public boolean storesAges() {
    return masks || timeSinceLast;
  }

  /** Whether segments carry a label at each step: every target but a forecast. */
  public boolean storesLabel() {
    return target.type() != TargetType.FORECAST;
  }
}
