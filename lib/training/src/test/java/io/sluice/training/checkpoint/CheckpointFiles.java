package io.sluice.training.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens a checkpoint file for tests outside this package. */
public final class CheckpointFiles {
  private CheckpointFiles() {}

  public static Checkpoint read(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return CheckpointFile.read(in, Files.size(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
