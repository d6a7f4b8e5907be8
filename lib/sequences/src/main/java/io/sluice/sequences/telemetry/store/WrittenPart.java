package io.sluice.sequences.telemetry.store;

import io.sluice.sequences.dataset.SequenceManifest;
import java.io.Serializable;

/** A Parquet file that a task wrote; no record, because Spark's Kryo cannot read one. */
public final class WrittenPart implements Serializable {
  private static final long serialVersionUID = 1L;

  private final String attemptPath;
  private final String path;
  private final String split;
  private final long segments;
  private final long steps;
  private final long windows;
  private final String contentHash;

  WrittenPart(
      String attemptPath,
      String path,
      String split,
      long segments,
      long steps,
      long windows,
      String contentHash) {
    this.attemptPath = attemptPath;
    this.path = path;
    this.split = split;
    this.segments = segments;
    this.steps = steps;
    this.windows = windows;
    this.contentHash = contentHash;
  }

  /** Where the task left it. */
  public String attemptPath() {
    return attemptPath;
  }

  /** Where it belongs, relative to the dataset folder. */
  public String path() {
    return path;
  }

  /** As the manifest lists it. */
  public SequenceManifest.Part toPart() {
    return new SequenceManifest.Part(path, split, segments, steps, windows, contentHash);
  }
}
