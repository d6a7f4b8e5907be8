package io.sluice.training.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Everything a run needs to resume bit for bit after an epoch.
 *
 * <p><b>Shapes.</b> {@code parameters} (P), {@code optimizer} (S, 0 for plain SGD), {@code
 * bestParameters} (P); float32 in the order of the network's own flat views. Arrays are shared, not
 * copied.
 *
 * @param position where the run stands
 * @param settings settings that must be the same on resumption, by name, as text
 * @param parameters after the last finished epoch
 * @param optimizer the optimizer's state after the last finished epoch
 * @param bestParameters those of the epoch with the best validation loss
 */
public record Checkpoint(
    Position position,
    Map<String, String> settings,
    float[] parameters,
    float[] optimizer,
    float[] bestParameters) {

  public static final String FORMAT = "checkpoint.v1";

  public Checkpoint {
    settings = new TreeMap<>(settings);
  }

  /**
   * @param epoch epochs finished
   * @param step steps finished, over all epochs
   * @param trainLoss mean loss of the last epoch's steps
   * @param validationLoss after the last epoch
   * @param bestEpoch the epoch (from 1) with the best validation loss
   * @param bestLoss its validation loss
   * @param epochsSinceBest epochs finished after the best one
   * @param trainSeconds time spent so far, over all attempts
   * @param rateReductions the first step at each rate that a plateau schedule lowered to
   * @param epochsOnPlateau epochs finished after the best one and after the last reduction; a
   *     plateau schedule counts them. Files of before there was one have neither
   */
  public record Position(
      int epoch,
      long step,
      double trainLoss,
      double validationLoss,
      int bestEpoch,
      double bestLoss,
      int epochsSinceBest,
      double trainSeconds,
      List<Integer> rateReductions,
      int epochsOnPlateau) {

    public Position {
      rateReductions = rateReductions == null ? List.of() : List.copyOf(rateReductions);
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
