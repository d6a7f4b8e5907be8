package io.sluice.training;

import io.sluice.recurrent.model.ModelSpec;
import io.sluice.scoring.bundle.EventScores;
import io.sluice.scoring.bundle.Predictions;
import io.sluice.scoring.bundle.Predictor;
import io.sluice.scoring.bundle.ResidualQuantiles;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowEncoder;
import io.sluice.training.loop.Windows;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a trained network says of the validation windows, beside what came; in this process. */
record ValidationPredictions(MultiLayerNetwork network, ModelSpec spec, Windows windows) {
  private static final Logger LOG = LoggerFactory.getLogger(ValidationPredictions.class);

  /** Windows at once: a batch of training is shared by all workers, and this is one process. */
  private static final int BATCH = 64;

  /** Floats kept for residual quantiles: 64 MB. */
  private static final int RESIDUAL_FLOATS = 1 << 24;

  private static final int RESIDUAL_WINDOWS = 10_000;

  /** Errors, where the network predicts a mean; empty without a window. */
  Optional<ResidualQuantiles> residuals() {
    WindowContract contract = windows.contract();
    var encoder = new WindowEncoder(contract);
    var sampler = new ResidualQuantiles.Sampler[1];
    each(
        (batch, predictions) -> {
          if (sampler[0] == null) {
            sampler[0] = sampler(predictions.horizon(), predictions.targets());
          }
          float[] actual = Arrays.copyOf(batch.targets(), batch.size() * contract.targetSize());
          encoder.toOriginalUnits(batch, actual, 1);
          sampler[0].add(actual, predictions.original(), batch.size());
        });
    return Optional.ofNullable(sampler[0]).map(s -> s.quantiles(ResidualQuantiles.USUAL_LEVELS));
  }

  private static ResidualQuantiles.Sampler sampler(int horizon, int targets) {
    int kept = Math.min(RESIDUAL_WINDOWS, Math.max(100, RESIDUAL_FLOATS / (horizon * targets)));
    return new ResidualQuantiles.Sampler(horizon, targets, kept);
  }

  /** Probabilities of the second of two classes; windows without a label are left out. */
  EventScores eventScores() {
    var scores = new EventScores();
    each(
        (batch, predictions) -> {
          for (int b = 0; b < batch.size(); b++) {
            if (!Float.isNaN(batch.targets()[b])) {
              scores.add(predictions.probability(b, 1), batch.targets()[b] == 1);
            }
          }
        });
    return scores;
  }

  private void each(BiConsumer<WindowBatch, Predictions> action) {
    LOG.info("Predicting the validation windows for the bundle");
    try (var predictor = new Predictor(network, spec, windows.contract(), null);
        Windows.Batches batches = windows.inOrder(Split.VALIDATION, BATCH)) {
      while (batches.hasNext()) {
        WindowBatch batch = batches.next();
        action.accept(batch, predictor.predict(batch));
      }
    }
  }
}
