package io.sluice.scoring.bundle;

import io.sluice.config.Provenance;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.scoring.bundle.BundleManifest.FineTunedFrom;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.text.dataset.TextDataset;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What goes into a bundle beside the network itself.
 *
 * @param spec what the network is
 * @param dataset what it was trained on
 * @param metrics measured by training, by name; finite
 * @param residualQuantiles errors on the validation windows, for a model without quantiles
 * @param alarmThreshold chosen on the validation windows, for a model of two classes
 * @param provenance the run that trained it
 * @param fineTunedFrom the bundle that the run began with; null where it began afresh
 */
public record BundleContents(
    ModelSpec spec,
    TrainedOn dataset,
    Map<String, Double> metrics,
    Optional<ResidualQuantiles> residualQuantiles,
    Optional<AlarmThreshold> alarmThreshold,
    Provenance provenance,
    FineTunedFrom fineTunedFrom) {

  /** Of a model of windows. */
  public BundleContents(
      ModelSpec spec,
      SequenceManifest dataset,
      Map<String, Double> metrics,
      Optional<ResidualQuantiles> residualQuantiles,
      Provenance provenance) {
    this(
        spec,
        TrainedOn.of(dataset),
        metrics,
        residualQuantiles,
        Optional.empty(),
        provenance,
        null);
  }

  /** Of a model of texts. */
  public BundleContents(
      ModelSpec spec, TextDataset dataset, Map<String, Double> metrics, Provenance provenance) {
    this(
        spec, TrainedOn.of(dataset), metrics, Optional.empty(), Optional.empty(), provenance, null);
  }

  /** The same of a run that began with a bundle. */
  public BundleContents with(FineTunedFrom fineTunedFrom) {
    return new BundleContents(
        spec, dataset, metrics, residualQuantiles, alarmThreshold, provenance, fineTunedFrom);
  }

  /** The same of a model that raises alarms. */
  public BundleContents with(Optional<AlarmThreshold> alarmThreshold) {
    return new BundleContents(
        spec, dataset, metrics, residualQuantiles, alarmThreshold, provenance, fineTunedFrom);
  }

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
