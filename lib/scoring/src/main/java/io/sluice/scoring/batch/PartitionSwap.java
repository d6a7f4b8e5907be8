package io.sluice.scoring.batch;

import io.sluice.failure.OperationFailedException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out a journal: each covered partition's old directory is renamed aside, the staged one
 * renamed in. Repeating it from any point in between gives the same result, so a crashed swap is
 * finished by doing it again. The caller holds the model's lock.
 *
 * <p>On a file system with atomic renames a partition is old, absent or new. On an object store a
 * crashed rename leaves both ends half full; then the files are moved one by one, told apart by the
 * journal's list.
 */
final class PartitionSwap {
  private static final Logger LOG = LoggerFactory.getLogger(PartitionSwap.class);

  private final FileSystem fs;
  private final TableLayout layout;
  private final PublishStep.Observer observer;

  PartitionSwap(FileSystem fs, TableLayout layout, PublishStep.Observer observer) {
    this.fs = fs;
    this.layout = layout;
    this.observer = observer;
  }

  /** Makes the table hold what the journal says, then removes the journal and the leftovers. */
  void carryOut(PublishJournal journal) throws IOException {
    for (PublishJournal.Partition partition : journal.partitions()) {
      swap(journal, partition);
    }
    observer.reached(PublishStep.SWAPPED, "");
    fs.delete(layout.journal(journal.model(), journal.runId()), false);
    observer.reached(PublishStep.CLOSED, "");
    fs.delete(layout.staging(journal.model(), journal.runId()), true);
    fs.delete(layout.replaced(journal.model(), journal.runId()), true);
  }

  private void swap(PublishJournal journal, PublishJournal.Partition partition) throws IOException {
    Path target = layout.partition(journal.model(), partition.name());
    Path staged = new Path(layout.staging(journal.model(), journal.runId()), partition.name());
    Path aside = new Path(layout.replaced(journal.model(), journal.runId()), partition.name());
    Map<String, Long> wanted =
        partition.files().stream()
            .collect(
                Collectors.toMap(
                    PublishJournal.StagedFile::name, PublishJournal.StagedFile::length));

    if (!filesIn(target).equals(wanted)) {
      moveAside(target, aside, wanted);
      observer.reached(PublishStep.OLD_ASIDE, partition.name());
      moveIn(staged, target, wanted);
      observer.reached(PublishStep.NEW_IN, partition.name());
    } else if (wanted.isEmpty() && fs.exists(target)) {
      moveAside(target, aside, wanted);
    }

    Map<String, Long> found = filesIn(target);
    if (!found.equals(wanted)) {
      throw new OperationFailedException(
          "Cannot finish publishing run %s: %s must hold %s, but holds %s. Its journal %s stays; put the missing files back, or delete the journal and score these dates again."
              .formatted(
                  journal.runId(),
                  target,
                  new TreeMap<>(wanted),
                  found,
                  layout.journal(journal.model(), journal.runId())));
    }
  }

  /** Takes everything out of {@code target} that the journal does not want there. */
  private void moveAside(Path target, Path aside, Map<String, Long> wanted) throws IOException {
    if (!fs.exists(target)) {
      return;
    }
    boolean halfMovedIn = filesIn(target).keySet().stream().anyMatch(wanted::containsKey);
    if (!halfMovedIn && !fs.exists(aside)) {
      fs.mkdirs(aside.getParent());
      rename(target, aside);
      return;
    }
    LOG.warn("Finishing a half-done swap of {} file by file", target);
    fs.mkdirs(aside);
    for (Map.Entry<String, Long> file : filesIn(target).entrySet()) {
      if (!wanted.containsKey(file.getKey())) {
        Path out = new Path(aside, file.getKey());
        fs.delete(out, false);
        rename(new Path(target, file.getKey()), out);
      }
    }
    if (filesIn(target).isEmpty()) {
      fs.delete(target, true);
    }
  }

  private void moveIn(Path staged, Path target, Map<String, Long> wanted) throws IOException {
    if (wanted.isEmpty() || !fs.exists(staged)) {
      return; // nothing to move; a loss is reported by the check that follows
    }
    if (!fs.exists(target)) {
      fs.mkdirs(target.getParent());
      rename(staged, target);
      return;
    }
    for (Map.Entry<String, Long> file : filesIn(staged).entrySet()) {
      Path in = new Path(target, file.getKey());
      fs.delete(in, false);
      rename(new Path(staged, file.getKey()), in);
    }
  }

  private void rename(Path from, Path to) throws IOException {
    if (!fs.rename(from, to)) {
      throw new IOException("the file system refused to rename %s to %s".formatted(from, to));
    }
  }

  /** Length by name; empty where there is no such directory. */
  Map<String, Long> filesIn(Path directory) throws IOException {
    try {
      return Arrays.stream(fs.listStatus(directory))
          .filter(FileStatus::isFile)
          .collect(
              Collectors.toMap(
                  s -> s.getPath().getName(), FileStatus::getLen, (a, b) -> a, TreeMap::new));
    } catch (FileNotFoundException e) {
      return Map.of();
    }
  }
}
