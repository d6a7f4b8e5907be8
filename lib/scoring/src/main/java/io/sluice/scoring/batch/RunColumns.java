package io.sluice.scoring.batch;

import io.sluice.config.Provenance;
import io.sluice.scoring.bundle.ModelBundle;
import java.io.Serializable;
import java.time.Instant;

/**
 * What every row of a run says alike.
 *
 * @param modelName name in the registry
 * @param modelVersion version in the registry
 * @param bundleHash identifies the bundle
 * @param runId the run
 * @param scoredAt the run's start
 */
record RunColumns(
    String modelName, int modelVersion, String bundleHash, String runId, Instant scoredAt)
    implements Serializable {

  static RunColumns of(ModelBundle bundle, Provenance provenance) {
    return new RunColumns(
        bundle.manifest().name(),
        bundle.manifest().version(),
        bundle.hash(),
        provenance.runId(),
        provenance.startedAt());
  }
}
