package io.sluice.sequences.dataset;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What a dataset folder holds and where it came from: {@code manifest.json}, described in {@code
 * data-schemas/sequences.v1}. Equal input and settings give byte-equal manifests but for {@code
 * createdAt}.
 *
 * @param format {@value #FORMAT}
 * @param name the experiment's name
 * @param layout segments or windows
 * @param contract what a window is
 * @param preparation the settings of source, resampling, features and target, so that scoring can
 *     prepare new raw data in the same way
 * @param splits what each split holds, by its label
 * @param splitBounds where each split begins and ends: ticks, rows or names of series
 * @param embargoSteps steps left out between splits
 * @param parts the Parquet files, by path
 * @param source fingerprint of the raw data
 * @param rejectedRows raw rows that could not be used, by reason
 * @param droppedWindows windows that were not made, by reason
 * @param droppedByPeriod the same per Parquet period, so that a rebuild of some periods knows the
 *     others'
 * @param configHash SHA-256 of the resolved settings
 * @param codeVersion version and commit of the code
 * @param createdAt ISO 8601
 * @param audit the leakage audit's result; null if it was not run
 * @param seal what {@link ManifestSeal} made of all the rest when the dataset was published; null
 *     before
 */
public record SequenceManifest(
    String format,
    String name,
    String layout,
    WindowContract contract,
    JsonNode preparation,
    Map<String, SplitSummary> splits,
    JsonNode splitBounds,
    int embargoSteps,
    List<Part> parts,
    SourceFingerprint source,
    Map<String, Long> rejectedRows,
    Map<String, Long> droppedWindows,
    Map<String, Map<String, Long>> droppedByPeriod,
    String configHash,
    String codeVersion,
    String createdAt,
    Audit audit,
    String seal) {

  public static final String FORMAT = "sequences.v1";
  public static final String FILE_NAME = "manifest.json";

  SequenceManifest withSeal(String newSeal) {
    return new SequenceManifest(
        format,
        name,
        layout,
        contract,
        preparation,
        splits,
        splitBounds,
        embargoSteps,
        parts,
        source,
        rejectedRows,
        droppedWindows,
        droppedByPeriod,
        configHash,
        codeVersion,
        createdAt,
        audit,
        newSeal);
  }

  /**
   * @param firstOrigin time of the first window's last look-back step, ticks; null if none
   * @param lastOrigin likewise of the last window
   */
  public record SplitSummary(
      long series, long segments, long steps, long windows, Long firstOrigin, Long lastOrigin) {}

  /**
   * @param path relative to the dataset folder
   * @param contentHash order-independent hash of the rows
   */
  public record Part(
      String path, String split, long segments, long steps, long windows, String contentHash) {}

  /** Files, rows and time range (ticks) of the raw data. */
  public record SourceFingerprint(
      String path, long files, long rows, Long firstTime, Long lastTime, String contentHash) {}

  public record Audit(boolean passed, List<Check> checks) {
    /** The checks that failed, with what they found. */
    public String failed() {
      return checks.stream()
          .filter(check -> !check.passed())
          .map(check -> check.name() + ": " + check.finding())
          .collect(Collectors.joining("; "));
    }
  }

  /** One check of the audit: what was recomputed, what was found. */
  public record Check(String name, boolean passed, String finding) {}
}
