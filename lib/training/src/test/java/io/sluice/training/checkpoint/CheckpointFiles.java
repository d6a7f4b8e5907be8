package io.sluice.training.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.DataInputStream;
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

  /** The JSON header, as any reader of the format finds it. */
  public static JsonNode header(Path file) {
    try (var in = new DataInputStream(Files.newInputStream(file))) {
      in.skipBytes("checkpoint.v2\n".length());
      return new ObjectMapper().readTree(in.readNBytes(in.readInt()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
