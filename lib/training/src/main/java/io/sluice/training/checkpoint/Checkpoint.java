package io.sluice.training.checkpoint;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.sluice.recurrent.optim.LossScale;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Everything a run needs to resume bit for bit after a step.
 *
 * <p>There is no random state beside the position: the order of windows and the masks of dropout
 * are functions of the seed, which is one of the settings, and the position.
 *
 * <p><b>Shapes.</b> {@code parameters} (P), {@code optimizer} (S, 0 for plain SGD), {@code
 * averageParameters} (P, or 0 where no average is kept), {@code bestParameters} (P); float32 in the
 * order of the network's own flat views. Arrays are shared, not copied.
 *
 * @param position where the run stands
 * @param settings settings that must be the same on resumption, by name, as text
 * @param parameters after the last finished step
 * @param optimizer the optimizer's state after it
 * @param averageParameters the moving average of parameters after it
 * @param bestParameters those with the best validation loss; the ones the run began with before the
 *     first validation
 */
public record Checkpoint(
    Position position,
    Map<String, String> settings,
    float[] parameters,
    float[] optimizer,
    float[] averageParameters,
    float[] bestParameters)
    implements Serializable {

  public static final String FORMAT = "checkpoint.v2";

  public Checkpoint {
    settings = new TreeMap<>(settings);
  }

  /**
   * @param epoch epochs finished
   * @param stepOfEpoch steps finished of the epoch after them
   * @param step steps finished, over all epochs
   * @param lossSum sum of the losses of {@code windowsOfEpoch}
   * @param windowsOfEpoch windows that the finished steps of the epoch have learned from
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
      @JsonInclude(JsonInclude.Include.NON_NULL) LossScale lossScale)
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

    /** Mean loss of the steps so far of the epoch under way; NaN before its first. */
    public double meanLoss() {
      return lossSum / windowsOfEpoch;
    }
  }

  /** Refuses a run whose settings differ where they must not, naming both values of each. */
  void requireFits(String uri, Map<String, String> current) {
    List<String> differences = new ArrayList<>();
    for (Map.Entry<String, String> setting : new TreeMap<>(current).entrySet()) {
      String saved = settings.get(setting.getKey());
      if (!setting.getValue().equals(saved)) {
        differences.add(
            "saved with %s %s, this run has %s"
                .formatted(setting.getKey(), saved == null ? "unset" : saved, setting.getValue()));
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
