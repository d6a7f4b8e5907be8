package io.sluice.training;

import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.training.loop.StepPlan;
import io.sluice.training.loop.WindowsSource;

/**
 * A dataset a run can learn from: its manifest, and where its windows are.
 *
 * @param uri for messages and the report
 */
record Learnable(SequenceManifest manifest, String uri, WindowsSource source) {

  WindowContract contract() {
    return manifest.contract();
  }

  long count(Split split) {
    SequenceManifest.SplitSummary summary = manifest.splits().get(split.label());
    return summary == null ? 0 : summary.windows();
  }

  ModelSpec spec(ModelSettings model) {
    WindowContract contract = contract();
    return model.toSpec(
        contract.inputSize(),
        contract.lookBack(),
        contract.targetSize(),
        contract.target().classes().size());
  }

  /**
   * @param windows train windows an epoch is drawn from
   */
  StepPlan plan(TrainSettings settings, long windows) {
    if (windows < settings.batchSize()) {
      throw new InvalidInputException(
          "Cannot train on %s: its train split has %,d windows%s, fewer than train.batch-size (%,d). Lower train.batch-size to at most %d, or build a larger dataset."
              .formatted(
                  uri,
                  count(Split.TRAIN),
                  windows < count(Split.TRAIN)
                      ? ", of which train.max-train-windows leaves %,d".formatted(windows)
                      : "",
                  settings.batchSize(),
                  windows));
    }
    return new StepPlan(windows, settings.batchSize(), settings.shardCount(), settings.epochs());
  }

  /** Refuses a dataset that this run could not learn from or judge itself on. */
  void requireTrainable() {
    if (!manifest.layout().equals("segments")) {
      throw new InvalidInputException(
          "Cannot train on %s: its layout is %s, training reads segments. Rebuild with build-sequences and dataset.layout = segments."
              .formatted(uri, manifest.layout()));
    }
    for (Split split : new Split[] {Split.TRAIN, Split.VALIDATION}) {
      if (count(split) == 0) {
        throw new InvalidInputException(
            "Cannot train on %s: its %s split has no window. Give split.%s a larger share, or shorten window.look-back or window.horizon, and rebuild with build-sequences."
                .formatted(uri, split.label(), split.label()));
      }
    }
  }
}
