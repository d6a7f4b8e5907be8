package io.sluice.scoring.bundle;

import io.sluice.config.Provenance;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.dataset.SequenceManifest;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What goes into a bundle beside the network itself.
 *
 * @param spec what the network is
 * @param dataset the manifest of the dataset it was trained on
 * @param metrics measured by training, by name; finite
 * @param residualQuantiles errors on the validation windows, for a model without quantiles
 * @param provenance the run that trained it
 */
public record BundleContents(
    ModelSpec spec,
    SequenceManifest dataset,
    Map<String, Double> metrics,
    Optional<ResidualQuantiles> residualQuantiles,
    Provenance provenance) {

  public BundleContents {
    Objects.requireNonNull(spec, "spec");
    Objects.requireNonNull(dataset, "dataset");
    Objects.requireNonNull(provenance, "provenance");
    metrics = Map.copyOf(metrics);
    metrics.forEach(
        (name, value) -> {
          if (!Double.isFinite(value)) {
            throw new IllegalArgumentException("metric %s is %s".formatted(name, value));
          }
        });
  }
}
