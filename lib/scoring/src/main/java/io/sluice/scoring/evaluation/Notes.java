package io.sluice.scoring.evaluation;

import io.sluice.scoring.baseline.Season;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.WindowContract;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a reader must know to read an evaluation's numbers. */
final class Notes {
  private final List<String> lines = new ArrayList<>();

  Notes(
      WindowContract contract,
      SequenceManifest manifest,
      TargetPass pass,
      Map<Metric, Double> metrics) {
    if (manifest.audit() == null) {
      add("The dataset's leakage audit was not run.");
    } else if (!manifest.audit().passed()) {
      add("The dataset's leakage audit FAILED: these numbers may be too good.");
    } else if (manifest.seal() == null) {
      add(
          "The dataset's manifest has no seal: its leakage audit may be of other scalers or parts.");
    }
    if (!contract.scaling().equals(manifest.contract().scaling())) {
      add(
          "The dataset was rebuilt since the training; inputs and scaled metrics use the model's own scalers.");
    }
    if (pass.missing() > 0) {
      add(
          String.format(
              Locale.ROOT, "%,d target values are not known and were left out.", pass.missing()));
    }
    if (pass instanceof ForecastPass forecast) {
      long zeros = forecast.model().overall().zeros();
      if (zeros > 0) {
        add(
            String.format(
                Locale.ROOT, "MAPE leaves out %,d actual values of exactly zero.", zeros));
      }
      int season = Season.daily(contract.time()).orElse(1);
      add(
          metrics.containsKey(Metric.MASE)
              ? "MASE is over the error of repeating the value %,d step(s) before, on train rows."
                  .formatted(season)
              : "MASE is left out: no series has train rows with a naive error above zero to scale it.");
      if (contract.target().channels().size() > 1) {
        add(
            "Metrics in the target's unit average over channels whose units may differ; scaled metrics compare.");
      }
      if (!metrics.containsKey(Metric.COVERAGE)) {
        add(
            "No interval was judged: the bundle has neither such quantiles nor validation residuals.");
      }
    }
  }

  void add(String line) {
    lines.add(line);
  }

  List<String> lines() {
    return List.copyOf(lines);
  }
}
