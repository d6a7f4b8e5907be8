package io.sluice.sequences.dataset;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.SplitReader.NumberedPart;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
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
    DatasetFolder folder = DatasetFolder.open(uri, hadoop);
    SequenceManifest manifest = ManifestJson.read(folder.manifest(), folder.file());
    return new SequenceDataset(folder.uri(), manifest, hadoop, false, 0);
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
    DatasetFolder.requirePassed(
        uri,
        manifest.audit(),
        "leakage audit",
        "Change split or scaling and rebuild it with build-sequences.");
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
   * A rank's shards of a split, as {@link #shards(Split, Dealing, int, int, long)} with {@link
   * #defaultMemoryBytes()}.
   */
  public ShardedWindows shards(Split split, Dealing dealing, int rank, int ranks) {
    return shards(split, dealing, rank, ranks, defaultMemoryBytes());
  }

  /**
   * A rank's shards of a split, found by reading the parts that they touch. What a batch of all
   * ranks holds is a pure function of the dataset, the dealing, the epoch and the step.
   *
   * <p>Shards that need at most {@code memoryBytes}, by the manifest's counts, are read once and
   * kept encoded. Others are read again each epoch in the background, in memory that does not grow
   * with the dataset: twice 64 MiB over all ranks, and more only where a segment is larger than its
   * share of that. The order is the same, bit for bit.
   *
   * @param rank 0 ≤ rank &lt; ranks
   * @param ranks at most the number of shards
   * @param memoryBytes that the rank may keep encoded windows in; 0 keeps none
   */
  public ShardedWindows shards(
      Split split, Dealing dealing, int rank, int ranks, long memoryBytes) {
    long groupBytes = Math.max(1, ShardOrder.POOL_BYTES / dealing.shards());
    return shards(split, dealing, rank, ranks, memoryBytes, groupBytes);
  }

  ShardedWindows shards(
      Split split, Dealing dealing, int rank, int ranks, long memoryBytes, long groupBytes) {
    dealing.checkRank(rank, ranks);
    requireSegments();
    WindowSelection selection = selection(split);
    List<NumberedPart> parts = numberedParts(split);
    List<WindowRange> ranges = new ArrayList<>();
    for (int shard = rank; shard < dealing.shards(); shard += ranks) {
      long from = dealing.firstWindow(shard, selection.kept());
      long to = dealing.firstWindow(shard + 1, selection.kept());
      ranges.add(new WindowRange(selection, from, to));
    }
    boolean keeps = encodedBytes(parts, ranges) <= memoryBytes;
    WindowContract columns = keeps ? contract() : ShardReader.withoutChannels(contract());
    var reader =
        new ShardReader(
            contract(), parts, part -> new SegmentReader(uri, part, columns, hadoop), keeps);
    List<List<List<Slice>>> pieces = reader.read(ranges);
    SliceSource source =
        keeps
            ? new KeptSlices(reader.kept())
            : new StreamedSlices(uri, contract(), selection, ranges.size(), hadoop);
    return new ShardedWindows(
        contract(),
        sequenceTargets,
        dealing,
        selection.kept(),
        rank,
        ranks,
        groupBytes,
        pieces,
        source);
  }

  /**
   * What {@link #shards} keeps in memory at most unless told: 256 MiB, or a quarter of the heap.
   */
  public static long defaultMemoryBytes() {
    return Math.min(256L << 20, Runtime.getRuntime().maxMemory() / 4);
  }

  /** Bytes of shards in memory, by the manifest's counts: each has the steps of its windows. */
  private long encodedBytes(List<NumberedPart> parts, List<WindowRange> shards) {
    double steps = 0;
    for (NumberedPart part : parts) {
      for (WindowRange shard : shards) {
        double share = shard.share(part.firstWindow(), part.endWindow());
        if (share > 0) {
          // and what lies around the windows where the range cuts a segment
          steps += share * part.part().steps() + contract().lookBack() + contract().horizon();
        }
      }
    }
    return (long) (steps * ShardOrder.bytesPerStep(contract()));
  }

  /** Batches of a split in manifest order. The batch object is reused. */
  public WindowBatches inOrder(Split split, int batchSize) {
    return inOrder(split, batchSize, 0, 1);
  }

  /**
   * A rank's share of these batches, which are dealt whole: n batches make those with numbers
   * rank·n/ranks to (rank + 1)·n/ranks − 1, so what a batch holds does not depend on {@code ranks}.
   * Parts before and after them are not opened.
   *
   * @param rank 0 ≤ rank &lt; ranks; may have no batch
   */
  public WindowBatches inOrder(Split split, int batchSize, int rank, int ranks) {
    if (batchSize < 1 || ranks < 1 || rank < 0 || rank >= ranks) {
      throw new IllegalArgumentException(
          "batchSize is %d, expected at least 1; rank is %d, expected 0 ≤ rank < ranks = %d"
              .formatted(batchSize, rank, ranks));
    }
    requireSegments();
    WindowSelection selection = selection(split);
    long windows = selection.kept();
    long batches = (windows + batchSize - 1) / batchSize;
    long first = batches * rank / ranks;
    long end = batches * (rank + 1) / ranks;
    var range = new WindowRange(selection, first * batchSize, Math.min(windows, end * batchSize));
    var segments =
        new SplitReader(
            numberedParts(split), range, part -> new SegmentReader(uri, part, contract(), hadoop));
    return new OrderedBatches(encoder(), batchSize, windows, first, end, segments);
  }

  private WindowEncoder encoder() {
    return new WindowEncoder(contract(), sequenceTargets);
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
