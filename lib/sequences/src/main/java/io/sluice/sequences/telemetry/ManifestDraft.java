package io.sluice.sequences.telemetry;

import io.sluice.config.ConfigReader;
import io.sluice.config.Provenance;
import io.sluice.sequences.dataset.ManifestSeal;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Audit;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.SequenceManifest.SourceFingerprint;
import io.sluice.sequences.dataset.SequenceManifest.SplitSummary;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.telemetry.SequenceSettings.DatasetLayout;
import io.sluice.sequences.telemetry.grid.Grid;
import io.sluice.sequences.telemetry.source.Survey;
import io.sluice.sequences.telemetry.split.SplitPlan;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The manifest of a build that is under way: what is settled once the parts are written, to which
 * each stage adds what it found.
 *
 * @param dropped windows that were not made, by period and reason
 */
record ManifestDraft(
    SequenceSettings settings,
    Provenance provenance,
    PreparedSource source,
    SplitPlan splits,
    Grid grid,
    TreeMap<String, Map<String, Long>> dropped) {

  /** While scalers are fitted and audited, parts are segments whatever the layout will be. */
  SequenceManifest ofSegments(
      WindowContract contract, List<Part> parts, Map<String, SplitSummary> summaries, Audit audit) {
    return manifest(DatasetLayout.SEGMENTS, contract, parts, summaries, audit);
  }

  /** As readers will find it, under its seal. */
  SequenceManifest published(
      WindowContract contract, List<Part> parts, Map<String, SplitSummary> summaries, Audit audit) {
    return ManifestSeal.seal(
        manifest(settings.dataset().layout(), contract, parts, summaries, audit));
  }

  private SequenceManifest manifest(
      DatasetLayout layout,
      WindowContract contract,
      List<Part> parts,
      Map<String, SplitSummary> summaries,
      Audit audit) {
    Survey survey = source.survey();
    return new SequenceManifest(
        SequenceManifest.FORMAT,
        settings.name(),
        ConfigReader.kebab(layout),
        contract,
        settings.preparation().toJson(),
        summaries,
        splits.toJson(grid),
        splits.embargoSteps(),
        parts,
        new SourceFingerprint(
            settings.source().path(),
            source.files(),
            survey.rows(),
            survey.extents().stream().map(Survey.Extent::firstTick).min(Long::compare).orElse(null),
            survey.extents().stream().map(Survey.Extent::lastTick).max(Long::compare).orElse(null),
            survey.hash()),
        survey.rejected(),
        total(dropped),
        dropped,
        settings.hash(),
        provenance.codeVersion(),
        provenance.startedAt().toString(),
        audit,
        null);
  }

  /** Windows that were not made, by reason. */
  static Map<String, Long> total(TreeMap<String, Map<String, Long>> dropped) {
    var total = new TreeMap<String, Long>();
    dropped.values().forEach(byReason -> byReason.forEach((k, v) -> total.merge(k, v, Long::sum)));
    return total;
  }
}
