package io.sluice.sequences.dataset;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.SplitReader.NumberedPart;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.StagedFolder;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;

/**
 * A dataset folder, opened for reading: {@code manifest.json} and Parquet in {@code split=…}.
 *
 * <p>Opening checks the format version; {@link #requireAudit} refuses a dataset whose leakage audit
 * is missing, failed or of another manifest. Reads with Parquet's vectorised reader; needs no Spark
 * session, so a barrier task reads its parts straight from the lake.
 *
 * <p>A file that is missing, truncated or not what the manifest says is an {@link
 * InvalidInputException} that names it, thrown while reading. One dataset may be read by many
 * threads; each iterator serves one.
 */
public final class SequenceDataset {
  private final String uri;
  private final SequenceManifest manifest;
  private final Configuration hadoop;
  private final boolean sequenceTargets;
  private final long maxWindows;

  private SequenceDataset(
      String uri,
      SequenceManifest manifest,
      Configuration hadoop,
      boolean sequenceTargets,
      long maxWindows) {
    this.uri = uri;
    this.manifest = manifest;
    this.hadoop = hadoop;
    this.sequenceTargets = sequenceTargets;
    this.maxWindows = maxWindows;
  }

  /** Opens the folder at a Hadoop URI; reads the manifest and nothing else. */
  public static SequenceDataset open(String uri, Configuration hadoop) {
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
    SequenceManifest manifest =
        ManifestJson.read(lake.readText(file, SequenceManifest.FILE_NAME), file);
    return new SequenceDataset(folder, manifest, hadoop, false, 0);
  }

  /** The same dataset with {@link WindowBatch#sequenceTargets()} in every batch. */
  public SequenceDataset withSequenceTargets() {
    return new SequenceDataset(uri, manifest, hadoop, true, maxWindows);
  }

  /**
   * The same dataset with at most {@code most} windows in a split, evenly spaced over it; 0 for all
   * of them.
   */
  public SequenceDataset withAtMost(long most) {
    return new SequenceDataset(uri, manifest, hadoop, sequenceTargets, most);
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

  /**
   * Refuses a dataset whose audit is missing or failed, naming the checks, and one whose manifest
   * is not the audited one.
   */
  public SequenceDataset requireAudit() {
    SequenceManifest.Audit audit = manifest.audit();
    if (audit == null) {
      throw new InvalidInputException(
          "%s has no leakage audit, so its splits may share data. Rebuild it with build-sequences."
              .formatted(uri));
    }
    if (!audit.passed()) {
      throw new InvalidInputException(
          "%s failed its leakage audit: %s. Change split or scaling and rebuild it with build-sequences."
              .formatted(
                  uri,
                  audit.checks().stream()
                      .filter(check -> !check.passed())
                      .map(check -> check.name() + ": " + check.finding())
                      .collect(Collectors.joining("; "))));
    }
    if (manifest.seal() == null) {
      throw new InvalidInputException(
          "%s/%s has no seal, so its leakage audit may be of other scalers or parts. Rebuild it with build-sequences."
              .formatted(uri, SequenceManifest.FILE_NAME));
    }
    return requireUnchanged();
  }

  /** Refuses a dataset whose manifest was changed since it was published. */
  public SequenceDataset requireUnchanged() {
    if (manifest.seal() != null && !ManifestSeal.holds(manifest)) {
      throw new InvalidInputException(
          "%s/%s was changed after its leakage audit: its seal is not that of its content. Build the dataset again, in full, with build-sequences."
              .formatted(uri, SequenceManifest.FILE_NAME));
    }
    return this;
  }

  /** Windows of a split that the readers below deal out. */
  public long windows(Split split) {
    return selection(split).kept();
  }

  /** Parts of a split in manifest order. */
  public List<SequenceManifest.Part> parts(Split split) {
    return manifest.parts().stream().filter(p -> p.split().equals(split.label())).toList();
  }

  /** Segments of one part with all their windows, in file order, read as the iterator advances. */
  public Iterator<Segment> segments(SequenceManifest.Part part) {
    requireSegments();
    return new SegmentReader(uri, part, contract(), hadoop);
  }

  /**
   * Batches of a split in an order that is a pure function of the dataset, {@code seed} and {@code
   * epoch}: parts are permuted, their segments gathered into groups of a bounded number of bytes,
   * and windows are permuted within a group; the last batch may be smaller. Each window comes once.
   * The batch object is reused.
   */
  public WindowBatches shuffled(Split split, int batchSize, long seed, int epoch) {
    return shuffled(split, batchSize, seed, epoch, 0, 1);
  }

  /**
   * One reader's share of the same batches: those with number ≡ {@code reader} modulo {@code
   * readers}. All readers together deal out exactly the batches of a single one.
   *
   * @param reader 0 ≤ reader &lt; readers
   */
  public WindowBatches shuffled(
      Split split, int batchSize, long seed, int epoch, int reader, int readers) {
    return shuffled(split, batchSize, seed, epoch, reader, readers, GroupReader.GROUP_BYTES);
  }

  WindowBatches shuffled(
      Split split, int batchSize, long seed, int epoch, int reader, int readers, long groupBytes) {
    if (reader < 0 || reader >= readers) {
      throw new IllegalArgumentException(
          "reader is %d, expected 0 ≤ reader < readers = %d".formatted(reader, readers));
    }
    var shuffle = new ShuffleOrder(seed, epoch);
    List<NumberedPart> parts = numberedParts(split);
    List<NumberedPart> permuted = new ArrayList<>();
    for (int index : shuffle.permutation(parts.size(), 0)) {
      permuted.add(parts.get(index));
    }
    WindowSelection selection = selection(split);
    var groups = new GroupReader(reader(permuted, selection), contract(), shuffle, groupBytes);
    return new ShuffledBatches(
        encoder(),
        batchSize,
        share(selection.kept(), batchSize, reader, readers),
        groups,
        reader,
        readers);
  }

  /** Batches of a split in manifest order. The batch object is reused. */
  public WindowBatches inOrder(Split split, int batchSize) {
    WindowSelection selection = selection(split);
    return new OrderedBatches(
        encoder(), batchSize, selection.kept(), reader(numberedParts(split), selection));
  }

  /** Windows in the batches of one reader: full ones, and perhaps the smaller last one. */
  static long share(long windows, int batchSize, int reader, int readers) {
    long fullBatches = windows / batchSize;
    long mine = fullBatches / readers + (reader < fullBatches % readers ? 1 : 0);
    boolean lastIsMine = fullBatches % readers == reader;
    return mine * batchSize + (lastIsMine ? windows % batchSize : 0);
  }

  private WindowEncoder encoder() {
    return new WindowEncoder(contract(), sequenceTargets);
  }

  private SplitReader reader(List<NumberedPart> parts, WindowSelection selection) {
    requireSegments();
    return new SplitReader(
        parts, selection, part -> new SegmentReader(uri, part, contract(), hadoop));
  }

  private List<NumberedPart> numberedParts(Split split) {
    List<NumberedPart> numbered = new ArrayList<>();
    long window = 0;
    for (SequenceManifest.Part part : parts(split)) {
      numbered.add(new NumberedPart(part, window));
      window += part.windows();
    }
    return numbered;
  }

  private WindowSelection selection(Split split) {
    long total = parts(split).stream().mapToLong(SequenceManifest.Part::windows).sum();
    return WindowSelection.of(total, maxWindows);
  }

  private void requireSegments() {
    if (!manifest.layout().equals("segments")) {
      throw new InvalidInputException(
          ("%s has dataset.layout = %s, which is for other tools; training and evaluation read"
                  + " segments. Rebuild it with dataset.layout = segments.")
              .formatted(uri, manifest.layout()));
    }
  }
}
