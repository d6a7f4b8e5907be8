package io.sluice.sequences.dataset;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.SequenceManifest.Audit;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.StagedFolder;
import org.apache.hadoop.conf.Configuration;

/**
 * A folder with a manifest, of telemetry or of text, found and read.
 *
 * @param uri without a slash at its end
 * @param file the manifest's URI
 * @param manifest its text
 */
public record DatasetFolder(String uri, String file, String manifest) {

  /** Finds the folder at a Hadoop URI; refuses one that is no dataset. */
  public static DatasetFolder open(String uri, Configuration hadoop) {
    String folder =
        uri.length() > 1 && uri.endsWith("/") ? uri.substring(0, uri.length() - 1) : uri;
    StagedFolder.recover(folder, hadoop);
    Lake lake = Lake.of(hadoop);
    lake.requireReadable(folder, "dataset");
    String file = folder + "/" + SequenceManifest.FILE_NAME;
    if (!lake.exists(file)) {
      throw new InvalidInputException(
          "%s is not a sequence dataset: it has no %s (has: %s). Check the path, or run build-sequences."
              .formatted(folder, SequenceManifest.FILE_NAME, lake.children(folder)));
    }
    return new DatasetFolder(folder, file, lake.readText(file, SequenceManifest.FILE_NAME));
  }

  /**
   * Refuses a dataset without an audit, or with one that failed.
   *
   * @param kind "audit" or "leakage audit"
   * @param remedy what to do about a failed one
   */
  public static void requirePassed(String uri, Audit audit, String kind, String remedy) {
    if (audit == null) {
      throw new InvalidInputException(
          "%s has no %s, so its splits may share data. Rebuild it with build-sequences."
              .formatted(uri, kind));
    }
    if (!audit.passed()) {
      throw new InvalidInputException(
          "%s failed its %s: %s. %s".formatted(uri, kind, audit.failed(), remedy));
    }
  }
}
