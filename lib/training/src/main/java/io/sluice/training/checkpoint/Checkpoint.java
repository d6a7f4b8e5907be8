package io.sluice.training.checkpoint;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.sluice.recurrent.optim.AverageTrigger;
import io.sluice.recurrent.optim.LossScale;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Everything a run needs to resume bit for bit after a step.
 *
 * <p>There is no random state beside the position: the order of windows and the masks of dropout
 * are functions of the seed, which is one of the settings, and the position.
 *
 * <p><b>Shapes.</b> {@code parameters} (P), {@code optimizer} (S, 0 for plain SGD), {@code
 * averageParameters} (P, or 0 where no average is kept), {@code bestParameters} (P); float32 in the
 * order of the network's own flat views; {@code carriedStates} (N, B), 0 where nothing is carried.
 * Arrays are shared, not copied.
 *
 * @param position where the run stands
 * @param settings settings that must be the same on resumption, by name, as text
 * @param parameters after the last finished step
 * @param optimizer the optimizer's state after it
 * @param averageParameters the average of parameters after it, where one is kept and has begun
 * @param bestParameters those with the best validation loss; the ones the run began with before the
 *     first validation
 * @param carriedStates h and c of each recurrent layer, lowest first, that each of B streams takes
 *     into the next step; within an epoch of streams only
 */
public record Checkpoint(
    Position position,
    Map<String, String> settings,
    float[] parameters,
    float[] optimizer,
    float[] averageParameters,
    float[] bestParameters,
    float[] carriedStates)
    implements Serializable {

  public static final String FORMAT = "checkpoint.v2";

  public Checkpoint {
    settings = new TreeMap<>(settings);
  }

  /** Where nothing is carried from step to step. */
  public Checkpoint(
      Position position,
      Map<String, String> settings,
      float[] parameters,
      float[] optimizer,
      float[] averageParameters,
      float[] bestParameters) {
    this(
        position, settings, parameters, optimizer, averageParameters, bestParameters, new float[0]);
  }

  /**
   * @param epoch epochs finished
   * @param stepOfEpoch steps finished of the epoch after them
   * @param step steps finished, over all epochs
   * @param lossSum sum of the losses of {@code windowsOfEpoch}
   * @param windowsOfEpoch windows, or tokens of streams, that the finished steps of the epoch have
   *     learned from
   * @param trainLoss mean loss of the last finished epoch's steps
   * @param validationLoss after the last finished epoch
   * @param bestEpoch the epoch (from 1) with the best validation loss
   * @param bestLoss its validation loss
   * @param epochsSinceBest epochs finished after the best one
   * @param trainSeconds time spent so far, over all attempts
   * @param rateReductions the first step at each rate that a plateau schedule lowered to
   * @param epochsOnPlateau epochs finished after the best one and after the last reduction; a
   *     plateau schedule counts them
   * @param lossScale of the next step; null where nothing is computed in half precision
   * @param averageTrigger when the average of parameters begins; null where it does with the first
   *     step, or none is kept
   */
  public record Position(
      int epoch,
      int stepOfEpoch,
      long step,
      double lossSum,
      long windowsOfEpoch,
      double trainLoss,
      double validationLoss,
      int bestEpoch,
      double bestLoss,
      int epochsSinceBest,
      double trainSeconds,
      List<Integer> rateReductions,
      int epochsOnPlateau,
      @JsonInclude(JsonInclude.Include.NON_NULL) LossScale lossScale,
      @JsonInclude(JsonInclude.Include.NON_NULL) AverageTrigger averageTrigger)
      implements Serializable {

    /** Before the first step. */
    public static final Position START =
        new Position(
            0,
            0,
            0,
            0,
            0,
            Double.NaN,
            Double.NaN,
            0,
            Double.POSITIVE_INFINITY,
            0,
            0,
            List.of(),
            0,
            null);

    public Position {
      rateReductions = List.copyOf(rateReductions);
    }

    /** Without an average that waits for its time. */
    public Position(
        int epoch,
        int stepOfEpoch,
        long step,
        double lossSum,
        long windowsOfEpoch,
        double trainLoss,
        double validationLoss,
        int bestEpoch,
        double bestLoss,
        int epochsSinceBest,
        double trainSeconds,
        List<Integer> rateReductions,
        int epochsOnPlateau,
        LossScale lossScale) {
      this(
          epoch,
          stepOfEpoch,
          step,
          lossSum,
          windowsOfEpoch,
          trainLoss,
          validationLoss,
          bestEpoch,
          bestLoss,
          epochsSinceBest,
          trainSeconds,
          rateReductions,
          epochsOnPlateau,
          lossScale,
          null);
    }

    /** Whether all is equal but the time, which each rank measures by itself. */
    boolean isSamePlaceAs(Position other) {
      return new Position(
              epoch,
              stepOfEpoch,
              step,
              lossSum,
              windowsOfEpoch,
              trainLoss,
              validationLoss,
              bestEpoch,
              bestLoss,
              epochsSinceBest,
              other.trainSeconds,
              rateReductions,
              epochsOnPlateau,
              lossScale,
              averageTrigger)
          .equals(other);
    }

    /** Mean loss of the steps so far of the epoch under way; NaN before its first. */
    public double meanLoss() {
      return lossSum / windowsOfEpoch;
    }
  }

  /**
   * The part for the parameters [from, to), as a rank holds it that has only these, where nothing
   * is carried from step to step.
   */
  public Checkpoint range(long from, long to) {
    require(carriedStates.length == 0, "carriedStates", carriedStates.length, "0");
    return range(from, to, 0, 0);
  }

  /**
   * The part for the parameters [from, to), as a rank holds it that has only these. Arrays are
   * copies; of an optimizer that keeps k numbers a parameter, in k moments of P numbers one after
   * the other, it has k moments of {@code to - from} numbers one after the other.
   *
   * @param fromState first number of what its layers carry
   * @param toState after the last one
   */
  public Checkpoint range(long from, long to, long fromState, long toState) {
    int all = parameters.length;
    if (from < 0 || from >= to || to > all) {
      throw new IllegalArgumentException(
          "range is [%d, %d), must hold a parameter and lie within [0, P = %d)"
              .formatted(from, to, all));
    }
    int average = averageParameters.length;
    int best = bestParameters.length;
    require(optimizer.length % all == 0, "optimizer", optimizer.length, "a multiple of P");
    require(average == 0 || average == all, "averageParameters", average, "0 or P");
    require(best == all, "bestParameters", best, "P");
    return new Checkpoint(
        position,
        settings,
        slices(parameters, (int) from, (int) to),
        slices(optimizer, (int) from, (int) to),
        slices(averageParameters, (int) from, (int) to),
        slices(bestParameters, (int) from, (int) to),
        Arrays.copyOfRange(carriedStates, (int) fromState, (int) toState));
  }

  private void require(boolean holds, String name, int length, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(
          "%s has length %d, expected %s (P=%d)".formatted(name, length, rule, parameters.length));
    }
  }

  /** [from, to) of each moment of P numbers. */
  private float[] slices(float[] moments, int from, int to) {
    int all = parameters.length;
    int length = to - from;
    var slices = new float[moments.length / all * length];
    for (int moment = 0; moment < moments.length / all; moment++) {
      System.arraycopy(moments, moment * all + from, slices, moment * length, length);
    }
    return slices;
  }

  /** Refuses a run whose settings differ where they must not, naming both values of each. */
  void requireFits(String uri, Map<String, String> current) {
    List<String> differences = new ArrayList<>();
    var names = new TreeSet<>(settings.keySet());
    names.addAll(current.keySet());
    for (String name : names) {
      String saved = settings.getOrDefault(name, "unset");
      String own = current.getOrDefault(name, "unset");
      if (!own.equals(saved)) {
        differences.add("saved with %s %s, this run has %s".formatted(name, saved, own));
      }
    }
    if (!differences.isEmpty()) {
      throw new IncompatibleCheckpointException(
          ("Cannot resume from %s: %s. Use another train.checkpoint.path, restore the setting%s, or"
                  + " start over with train.checkpoint.resume = false.")
              .formatted(uri, String.join("; ", differences), differences.size() > 1 ? "s" : ""));
    }
  }
}
