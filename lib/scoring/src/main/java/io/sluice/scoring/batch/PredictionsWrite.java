package io.sluice.scoring.batch;

import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.PublishLock;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * One run's way into the table: holds the model's lock from before the first row is computed, so
 * that a second run learns at once that it comes too late, until the new partitions are in.
 *
 * <p>Files are put into {@link #staging()} as {@code date=…/part-….parquet}; {@link #publish} makes
 * them the table's. Closing without publishing leaves the table as it was.
 */
final class PredictionsWrite implements AutoCloseable {
  private final TableLayout layout;
  private final FileSystem fs;
  private final Lake lake;
  private final PublishLock lock;
  private final String model;
  private final String runId;
  private final PublishStep.Observer observer;
  private boolean committed;

  PredictionsWrite(
      TableLayout layout,
      FileSystem fs,
      Lake lake,
      PublishLock lock,
      String model,
      String runId,
      PublishStep.Observer observer) {
    this.layout = layout;
    this.fs = fs;
    this.lake = lake;
    this.lock = lock;
    this.model = model;
    this.runId = runId;
    this.observer = observer;
  }

  /**
   * What a publication did, by partition name ({@code date=…}).
   *
   * @param replaced partitions that hold the run's rows now
   * @param emptied covered partitions that had rows and now have none
   */
  record Published(List<String> replaced, List<String> emptied) {}

  /** Where the run puts its files. */
  Path staging() {
    return layout.staging(model, runId);
  }

  /** The partition folder of the table as it stands; it may not exist. */
  Path current(String partition) {
    return layout.partition(model, partition);
  }

  boolean exists(Path path) {
    return attempt(() -> fs.exists(path));
  }

  /** Names of the partitions staged so far, ascending. */
  List<String> stagedPartitions() {
    return attempt(() -> partitionsIn(staging()));
  }

  /** Replaces what the coverage covers by what is staged. */
  Published publish(Coverage coverage) {
    return attempt(
        () -> {
          PublishJournal journal = journalOf(coverage);
          observer.reached(PublishStep.STAGED, "");
          commit(journal);
          observer.reached(PublishStep.COMMITTED, "");
          new PartitionSwap(fs, layout, observer).carryOut(journal);
          return new Published(
              journal.partitions().stream()
                  .filter(p -> !p.files().isEmpty())
                  .map(PublishJournal.Partition::name)
                  .toList(),
              journal.partitions().stream()
                  .filter(p -> p.files().isEmpty())
                  .map(PublishJournal.Partition::name)
                  .toList());
        });
  }

  private PublishJournal journalOf(Coverage coverage) throws IOException {
    var swap = new PartitionSwap(fs, layout, observer);
    var filesByPartition = new TreeMap<String, List<PublishJournal.StagedFile>>();
    for (String partition : partitionsIn(staging())) {
      var files = new ArrayList<PublishJournal.StagedFile>();
      swap.filesIn(new Path(staging(), partition))
          .forEach((name, length) -> files.add(new PublishJournal.StagedFile(name, length)));
      filesByPartition.put(partition, files);
    }
    if (coverage instanceof Coverage.Range range) {
      for (String partition : partitionsIn(layout.model(model))) {
        if (range.coversPartition(partition)) {
          filesByPartition.putIfAbsent(partition, List.of());
        }
      }
    }
    List<PublishJournal.Partition> partitions =
        filesByPartition.entrySet().stream()
            .map(e -> new PublishJournal.Partition(e.getKey(), e.getValue()))
            .toList();
    return new PublishJournal(
        PublishJournal.FORMAT, runId, model, Instant.now().toString(), partitions);
  }

  private void commit(PublishJournal journal) {
    lock.requireHeld();
    committed = true; // from here on the outcome belongs to the journal, not to close()
    lake.writeTextAtomically(layout.journal(model, runId).toString(), journal.toJson());
  }

  private List<String> partitionsIn(Path directory) throws IOException {
    try {
      return Arrays.stream(fs.listStatus(directory))
          .filter(FileStatus::isDirectory)
          .map(s -> s.getPath().getName())
          .filter(name -> name.startsWith(TableLayout.DATE_PREFIX))
          .sorted()
          .toList();
    } catch (FileNotFoundException e) {
      return List.of();
    }
  }

  @Override
  public void close() {
    if (!committed) {
      lake.deleteQuietly(staging().toString());
    }
    lock.close();
  }

  private <T> T attempt(TableAction<T> action) {
    return PredictionsTable.attempt(layout.root(), action);
  }

  /** Something done to the table's files. */
  @FunctionalInterface
  interface TableAction<T> {
    T run() throws IOException;
  }
}
