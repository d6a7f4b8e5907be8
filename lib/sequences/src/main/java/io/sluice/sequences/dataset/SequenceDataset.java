package io.sluice.sequences.dataset;

import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/**
 * A dataset folder, opened for reading: {@code manifest.json} and Parquet in {@code split=…}.
 *
 * <p>Opening checks the format version; {@link #requireAudit} refuses a dataset whose leakage audit
 * is missing or failed. Reads with Parquet's vectorised reader; needs no Spark session, so a
 * barrier task reads its parts straight from the lake.
 */
public final class SequenceDataset {
  private final String uri;
  private final SequenceManifest manifest;

  private SequenceDataset(String uri, SequenceManifest manifest) {
    this.uri = uri;
    this.manifest = manifest;
  }

  /** Opens the folder at a Hadoop URI. */
  public static SequenceDataset open(String uri, Configuration hadoop) {
    throw new UnsupportedOperationException();
  }

  public SequenceManifest manifest() {
    return manifest;
  }

  public WindowContract contract() {
    return manifest.contract();
  }

  public String uri() {
    return uri;
  }

  /** Refuses a dataset whose audit is missing or failed, naming the checks. */
  public SequenceDataset requireAudit() {
    throw new UnsupportedOperationException();
  }

  /** Parts of a split in manifest order. */
  public List<SequenceManifest.Part> parts(Split split) {
    return manifest.parts().stream().filter(p -> p.split().equals(split.label())).toList();
  }

  /** Segments of one part, in file order, read as the iterator advances. */
  public Iterator<Segment> segments(SequenceManifest.Part part) {
    throw new UnsupportedOperationException();
  }

  /**
   * Batches of a split in an order that is a pure function of the manifest, {@code seed} and {@code
   * epoch}: parts are permuted, grouped up to a bounded number of bytes, and windows are permuted
   * within a group; the last batch may be smaller. The batch object is reused.
   */
  public Iterator<WindowBatch> shuffled(Split split, int batchSize, long seed, int epoch) {
    throw new UnsupportedOperationException();
  }

  /** Batches of a split in manifest order. The batch object is reused. */
  public Iterator<WindowBatch> inOrder(Split split, int batchSize) {
    throw new UnsupportedOperationException();
  }
}
