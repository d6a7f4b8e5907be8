package io.sluice.scoring.evaluation;

import io.sluice.scoring.bundle.AlarmThreshold;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowContract;
import java.util.List;
import java.util.Optional;

/**
 * What one evaluation is of, and how it is done.
 *
 * @param workers who read the parts
 * @param settings of the evaluation
 * @param source opens the windows and the model; travels to the workers
 * @param manifest of the dataset
 * @param contract of the model: its scalers are those of the training
 * @param published the alarm threshold that training chose; empty where it chose none
 */
record Subject(
    Workers workers,
    EvaluateSettings settings,
    WindowSource.Opener source,
    SequenceManifest manifest,
    WindowContract contract,
    Optional<AlarmThreshold> published) {

  /** Parts of a split in manifest order. */
  List<Part> parts(Split split) {
    return manifest.parts().stream().filter(p -> p.split().equals(split.label())).toList();
  }

  /** Their paths. */
  List<String> paths(Split split) {
    return parts(split).stream().map(Part::path).toList();
  }
}
