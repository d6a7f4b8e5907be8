package io.sluice.training.checkpoint;

import io.sluice.failure.OperationFailedException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checkpoints of one run, {@code <folder>/epoch-00003-step-000000417.checkpoint} after three
 * epochs and 417 steps, on any Hadoop file system.
 *
 * <p>A checkpoint is written under a hidden name and renamed, so a run that is killed leaves the
 * last one before and nothing half-written under that name. The newest {@code keep} stay.
 *
 * <p>Where the parameters lie on several ranks, each but the first writes its part under a hidden
 * name, and the first assembles the checkpoint of them. It alone removes parts.
 */
public final class CheckpointStore {
  private static final Logger LOG = LoggerFactory.getLogger(CheckpointStore.class);
  private static final String NUMBERS = "epoch-(\\d{5,})-step-(\\d{9,})\\.checkpoint";
  private static final Pattern NAME = Pattern.compile(NUMBERS);
  private static final Pattern STAGING =
      Pattern.compile("\\." + NUMBERS + "(\\.\\p{XDigit}+)?\\.staging");
  private static final Pattern PART =
      Pattern.compile("\\." + NUMBERS + "\\.\\p{XDigit}+\\.part-(\\d+)(\\.staging)?");

  /** As releases before this one named them, whose order of windows was another. */
  private static final Pattern OLD_NAME = Pattern.compile("epoch-\\d{5,}\\.checkpoint");

  private final Path folder;
  private final FileSystem files;
  private final int keep;

  /** A rank that hung may wake in the middle of a write, while its successor makes the same one. */
  private final String writer = Long.toHexString(ThreadLocalRandom.current().nextLong());

  private CheckpointStore(Path folder, FileSystem files, int keep) {
    this.folder = folder;
    this.files = files;
    this.keep = keep;
  }

  /**
   * @param uri where the checkpoint lies
   * @param bundle the bundle that was published from it, if it was the run's last
   */
  public record Found(String uri, Checkpoint checkpoint, Optional<String> bundle) {}

  /**
   * Opens the folder, which need not exist.
   *
   * @param keep checkpoints that stay; at least 1
   */
  public static CheckpointStore open(String uri, int keep, Configuration hadoop) {
    if (keep < 1) {
      throw new IllegalArgumentException("keep is %d, must be at least 1".formatted(keep));
    }
    try {
      Path folder = new Path(uri);
      FileSystem found = folder.getFileSystem(hadoop);
      // a checkpoint has a hash of its own; and Hadoop's stream with checksums, once a disk is
      // full,
      // stays open, and what is deleted of it stays on the disk
      FileSystem files = found instanceof LocalFileSystem local ? local.getRawFileSystem() : found;
      return new CheckpointStore(files.makeQualified(folder), files, keep);
    } catch (IOException e) {
      throw new OperationFailedException(
          "Cannot open the checkpoint folder %s: %s. Set train.checkpoint.path to a folder this run can reach."
              .formatted(uri, e.getMessage()),
          e);
    }
  }

  /** The folder's URI. */
  public String uri() {
    return folder.toString();
  }

  /**
   * Writes a checkpoint, then removes all but the newest.
   *
   * @return its URI
   */
  public String save(Checkpoint checkpoint) {
    return save(checkpoint, List.of());
  }

  /**
   * Writes the checkpoint of a run whose parameters lie on several ranks, then removes its parts
   * and all checkpoints but the newest. The file is the one that a single rank would have written,
   * with the first stage's time.
   *
   * @param first the first pipeline stage's part
   * @param parts names of those of stages 1, 2, …, as {@link #savePart} gave them; none where the
   *     first stage has all
   * @return its URI
   * @throws OperationFailedException if it cannot be written, or a part is missing, altered or of
   *     another step
   */
  public String save(Checkpoint first, List<String> parts) {
    List<Path> paths =
        IntStream.range(0, parts.size()).mapToObj(i -> part(parts.get(i), i + 1)).toList();
    Path target = target(first.position());
    try {
      if (!parts.isEmpty()) {
        removeParts(first.position().step(), parts);
      }
      publish(
          target,
          new Path(folder, "." + target.getName() + "." + writer + ".staging"),
          out -> {
            try (CheckpointParts opened = CheckpointParts.open(files, first, paths)) {
              opened.writeTo(out);
            }
            out.hsync();
          });
      List<FileStatus> found = newestFirst(files.listStatus(folder));
      for (FileStatus old : found.subList(Math.min(keep, found.size()), found.size())) {
        remove(old.getPath());
      }
    } catch (CheckpointParts.UnusableException e) {
      throw new OperationFailedException(
          "Cannot write checkpoint %s: %s. Set train.checkpoint.path to a folder that every rank reaches and nothing else changes; resume continues from the checkpoint before."
              .formatted(target, e.getMessage()),
          e);
    } catch (IOException | FSError e) {
      throw new OperationFailedException(
          "Cannot write checkpoint %s: %s. Free space, or set train.checkpoint.path to a folder this run may write; resume continues from the checkpoint before."
              .formatted(target, reason(e)),
          e);
    } finally {
      // the snapshot that they belong to is written or given up
      paths.forEach(this::deleteQuietly);
    }
    return target.toString();
  }

  /**
   * Writes the part of a checkpoint that a pipeline stage after the first holds, for the first one
   * to assemble. No checkpoint is found by it.
   *
   * @param stage from 1
   * @return the part's name
   */
  public String savePart(Checkpoint part, int stage) {
    Path checkpoint = target(part.position());
    String name = ".%s.%s.part-%d".formatted(checkpoint.getName(), writer, stage);
    try {
      // not synced: what a crash of the machine takes, no checkpoint rests on
      publish(
          new Path(folder, name),
          new Path(folder, name + ".staging"),
          out -> CheckpointFile.write(part, out));
    } catch (IOException | FSError e) {
      throw new OperationFailedException(
          "Cannot write pipeline stage %d's part of checkpoint %s: %s. Free space, or set train.checkpoint.path to a folder this run may write; resume continues from the checkpoint before."
              .formatted(stage, checkpoint, reason(e)),
          e);
    }
    return name;
  }

  private Path target(Checkpoint.Position position) {
    return new Path(
        folder, "epoch-%05d-step-%09d.checkpoint".formatted(position.epoch(), position.step()));
  }

  /** A name comes from another process, and what it names is deleted in the end. */
  private Path part(String name, int stage) {
    var numbers = PART.matcher(name);
    if (!numbers.matches()
        || !numbers.group(3).equals(Integer.toString(stage))
        || numbers.group(4) != null) {
      throw new IllegalArgumentException(
          "\"%s\" does not name a part of pipeline stage %d".formatted(name, stage));
    }
    return new Path(folder, name);
  }

  private interface Content {
    void writeTo(FSDataOutputStream out) throws IOException;
  }

  /** Whole or not at all. */
  private void publish(Path target, Path staging, Content content) throws IOException {
    try {
      files.mkdirs(folder);
      try (FSDataOutputStream out = files.create(staging, true)) {
        content.writeTo(out);
      }
      if (!files.exists(staging)) {
        // a run that took over has cleaned up: what it may have written of this step stays
        throw new IOException("%s was removed by another run".formatted(staging.getName()));
      }
      // present only where a corrupt checkpoint of this step was passed over
      files.delete(target, false);
      if (!files.rename(staging, target)) {
        throw new IOException("the file system refused to rename " + staging.getName());
      }
    } catch (IOException | FSError e) {
      deleteQuietly(staging);
      throw e;
    }
  }

  /** What is half-written takes space that the next one needs. */
  private void deleteQuietly(Path staging) {
    try {
      files.delete(staging, false);
    } catch (IOException e) {
      LOG.debug("Cannot remove {}", staging, e);
    }
  }

  /**
   * The newest checkpoint that is whole. One that is truncated or altered is passed over, with a
   * warning, in favour of the one before.
   *
   * @param settings settings of this run that must be those of the checkpoint
   * @throws IncompatibleCheckpointException if a setting differs
   */
  public Optional<Found> newest(Map<String, String> settings) {
    refuseOldFormat();
    for (FileStatus file : list()) {
      String uri = file.getPath().toString();
      try (FSDataInputStream in = files.open(file.getPath())) {
        Checkpoint checkpoint = CheckpointFile.read(in, file.getLen());
        checkpoint.requireFits(uri, settings);
        return Optional.of(new Found(uri, checkpoint, bundle(file.getPath())));
      } catch (IOException | FSError e) {
        LOG.warn(
            "Passing over checkpoint {}: {}. The one before it is used, or the run starts over where there is none.",
            uri,
            reason(e));
      }
    }
    return Optional.empty();
  }

  /**
   * What a setting was when the newest checkpoint was saved; empty where there is no checkpoint, or
   * the run had no such setting. Whether the rest of the file is whole is not looked at.
   */
  public Optional<String> settingOfNewest(String name) {
    for (FileStatus file : list()) {
      try (FSDataInputStream in = files.open(file.getPath())) {
        var header = new CheckpointReader(in, file.getLen()).header();
        return Optional.ofNullable(header.settings().get(name));
      } catch (IOException | FSError e) {
        LOG.debug("Passing over checkpoint {}", file.getPath(), e);
      }
    }
    return Optional.empty();
  }

  private void refuseOldFormat() {
    Arrays.stream(statuses())
        .filter(file -> OLD_NAME.matcher(file.getPath().getName()).matches())
        .findFirst()
        .ifPresent(
            old -> {
              throw new IncompatibleCheckpointException(
                  "Cannot resume from %s: it was saved as checkpoint.v1, and this release reads %s, whose order of windows is another. Finish the run with the release that began it, set train.checkpoint.path to another folder, or start over with train.checkpoint.resume = false."
                      .formatted(old.getPath(), Checkpoint.FORMAT));
            });
  }

  /** Records beside a run's last checkpoint which bundle came of it. */
  public void recordBundle(String checkpointUri, String bundleUri) {
    Path record = record(new Path(checkpointUri));
    try (FSDataOutputStream out = files.create(record, true)) {
      out.write(bundleUri.getBytes(StandardCharsets.UTF_8));
    } catch (IOException | FSError e) {
      throw new OperationFailedException(
          "Published %s, but cannot record that in %s: %s. Without the record a rerun publishes another version."
              .formatted(bundleUri, record, reason(e)),
          e);
    }
  }

  private Optional<String> bundle(Path checkpoint) throws IOException {
    try (FSDataInputStream in = files.open(record(checkpoint))) {
      return Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8).strip());
    } catch (FileNotFoundException e) {
      return Optional.empty();
    }
  }

  private static Path record(Path checkpoint) {
    return checkpoint.suffix(".bundle");
  }

  private void remove(Path checkpoint) throws IOException {
    files.delete(checkpoint, false);
    files.delete(record(checkpoint), false);
  }

  /**
   * Removes all checkpoints, for a run that starts over.
   *
   * @return how many there were
   */
  public int clear() {
    List<FileStatus> old =
        Arrays.stream(statuses())
            .filter(
                file ->
                    NAME.matcher(file.getPath().getName()).matches()
                        || OLD_NAME.matcher(file.getPath().getName()).matches())
            .toList();
    try {
      for (FileStatus file : old) {
        remove(file.getPath());
      }
    } catch (IOException e) {
      throw new OperationFailedException(
          "Cannot remove the checkpoints in %s: %s. Set train.checkpoint.path to another folder, or resume with train.checkpoint.resume = true."
              .formatted(folder, reason(e)),
          e);
    }
    return old.size();
  }

  /** Removes what a killed run left half-written. */
  public void removeStaging() {
    removeEach(name -> STAGING.matcher(name).matches() || PART.matcher(name).matches());
  }

  /**
   * Removes the parts that no checkpoint will be assembled of any more: those of a step and of the
   * ones before. A stage that is ahead may be writing a later one's.
   *
   * @param except names of those that are about to be used
   */
  void removeParts(long step, List<String> except) {
    removeEach(
        name -> {
          var part = PART.matcher(name);
          return part.matches() && Long.parseLong(part.group(2)) <= step && !except.contains(name);
        });
  }

  private void removeEach(Predicate<String> isLeft) {
    try {
      for (FileStatus file : files.listStatus(folder)) {
        if (isLeft.test(file.getPath().getName())) {
          files.delete(file.getPath(), false);
        }
      }
    } catch (FileNotFoundException e) {
      LOG.debug("No checkpoint folder {} yet", folder);
    } catch (IOException e) {
      LOG.warn("Cannot remove half-written checkpoints in {}: {}", folder, reason(e));
    }
  }

  private List<FileStatus> list() {
    return newestFirst(statuses());
  }

  private FileStatus[] statuses() {
    try {
      return files.listStatus(folder);
    } catch (FileNotFoundException e) {
      return new FileStatus[0];
    } catch (IOException e) {
      throw new OperationFailedException(
          "Cannot list the checkpoints in %s: %s. Set train.checkpoint.path to a folder this run may read."
              .formatted(folder, reason(e)),
          e);
    }
  }

  private static List<FileStatus> newestFirst(FileStatus[] found) {
    return Arrays.stream(found)
        .filter(f -> NAME.matcher(f.getPath().getName()).matches())
        .sorted(
            Comparator.comparingLong((FileStatus f) -> number(f, 2))
                .thenComparingLong(f -> number(f, 1))
                .reversed())
        .toList();
  }

  private static long number(FileStatus file, int group) {
    var name = NAME.matcher(file.getPath().getName());
    return name.matches() ? Long.parseLong(name.group(group)) : -1;
  }

  /** Of a failure, which Hadoop's local file system throws as an Error around the exception. */
  static String reason(Throwable e) {
    Throwable failure = e instanceof FSError && e.getCause() != null ? e.getCause() : e;
    String message = failure.getMessage();
    return message == null
        ? failure.getClass().getSimpleName()
        : message.lines().findFirst().orElse("");
  }
}
