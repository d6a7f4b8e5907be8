package io.sluice.training.checkpoint;

import io.sluice.training.checkpoint.CheckpointFile.Header;
import java.io.Closeable;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The parts of a checkpoint that pipeline stages after the first wrote, all open at once: each is
 * read once, from its first byte to its last, while the whole is written. A part is a file of the
 * same format, with the arrays of its stage.
 */
final class CheckpointParts implements Closeable {
  private final CheckpointPiece first;
  private final List<Part> parts = new ArrayList<>();

  private CheckpointParts(CheckpointPiece first) {
    this.first = first;
  }

  /** A part cannot be used; the message names it and its stage. */
  static final class UnusableException extends IOException {
    private static final long serialVersionUID = 1L;

    UnusableException(Path file, int stage, String reason, Throwable cause) {
      super(
          "part %s of pipeline stage %d cannot be used: %s"
              .formatted(file.getName(), stage, reason),
          cause);
    }
  }

  /**
   * Opens the parts and compares their headers with the first stage's.
   *
   * @param paths of stages 1, 2, …
   * @throws UnusableException if one is missing, or not of the same step of the same run
   */
  static CheckpointParts open(FileSystem files, Checkpoint first, List<Path> paths)
      throws IOException {
    var opened = new CheckpointParts(CheckpointPiece.of(first));
    try {
      for (Path path : paths) {
        var part = new Part(files, path, opened.parts.size() + 1);
        opened.parts.add(part);
        part.requireFits(Header.of(first));
      }
      return opened;
    } catch (IOException | RuntimeException | Error e) {
      opened.close();
      throw e;
    }
  }

  /**
   * Writes the whole checkpoint, with as much memory as one buffer takes.
   *
   * @throws UnusableException if a part is not what its stage wrote
   */
  void writeTo(OutputStream out) throws IOException {
    var pieces = new ArrayList<CheckpointPiece>();
    pieces.add(first);
    pieces.addAll(parts);
    CheckpointFile.write(pieces, moments(first.header()), out);
    for (Part part : parts) {
      part.requireHash();
    }
  }

  @Override
  public void close() throws IOException {
    for (Part part : parts) {
      part.in.close();
    }
  }

  /** Numbers of the optimizer's state a parameter; 1 where a whole one need not tell. */
  private int moments(Header header) {
    return parts.isEmpty() ? 1 : header.optimizer() / header.parameters();
  }

  private static final class Part implements CheckpointPiece {
    private final Path path;
    private final int stage;
    private final FSDataInputStream in;
    private final CheckpointReader reader;

    Part(FileSystem files, Path path, int stage) throws IOException {
      this.path = path;
      this.stage = stage;
      FSDataInputStream opened = null;
      try {
        opened = files.open(path);
        this.reader = new CheckpointReader(opened, files.getFileStatus(path).getLen());
        this.in = opened;
      } catch (FileNotFoundException e) {
        throw unusable("it is missing", e);
      } catch (IOException | FSError e) {
        if (opened != null) {
          opened.close();
        }
        throw unusable(CheckpointStore.reason(e), e);
      }
    }

    void requireFits(Header first) throws IOException {
      Header own = reader.header();
      if (own.position().step() != first.position().step()) {
        throw unusable(
            "it is of step %d, and the checkpoint of step %d"
                .formatted(own.position().step(), first.position().step()),
            null);
      }
      if (!own.position().isSamePlaceAs(first.position())) {
        throw unusable(
            "it says %s, and the first stage %s".formatted(own.position(), first.position()), null);
      }
      var differing = new TreeSet<>(own.settings().keySet());
      differing.addAll(first.settings().keySet());
      differing.removeIf(
          name -> Objects.equals(own.settings().get(name), first.settings().get(name)));
      if (!differing.isEmpty()) {
        throw unusable("it was saved with other settings: " + String.join(", ", differing), null);
      }
      if (!isProportional(own, first)) {
        throw unusable(
            "its arrays have %s numbers, which do not go with the first stage's %s"
                .formatted(lengths(own), lengths(first)),
            null);
      }
    }

    /** Whether both have as many numbers of each kind a parameter. */
    private static boolean isProportional(Header own, Header first) {
      long parameters = own.parameters();
      return parameters > 0
          && first.parameters() > 0
          && own.optimizer() * (long) first.parameters() == first.optimizer() * parameters
          && own.averageParameters() * (long) first.parameters()
              == first.averageParameters() * parameters
          && own.bestParameters() * (long) first.parameters() == first.bestParameters() * parameters
          && first.optimizer() % first.parameters() == 0;
    }

    private static List<Integer> lengths(Header header) {
      return List.of(
          header.parameters(),
          header.optimizer(),
          header.averageParameters(),
          header.bestParameters());
    }

    @Override
    public Header header() {
      return reader.header();
    }

    @Override
    public void writeNext(int floats, OutputStream out, byte[] buffer) throws IOException {
      int perChunk = buffer.length / Float.BYTES;
      for (int left = floats; left > 0; left -= perChunk) {
        int bytes = Math.min(perChunk, left) * Float.BYTES;
        try {
          reader.read(buffer, bytes);
        } catch (IOException | FSError e) {
          throw unusable(CheckpointStore.reason(e), e);
        }
        out.write(buffer, 0, bytes);
      }
    }

    void requireHash() throws IOException {
      try {
        reader.requireHash();
      } catch (IOException | FSError e) {
        throw unusable(CheckpointStore.reason(e), e);
      }
    }

    private UnusableException unusable(String reason, Throwable cause) {
      return new UnusableException(path, stage, reason, cause);
    }
  }
}
