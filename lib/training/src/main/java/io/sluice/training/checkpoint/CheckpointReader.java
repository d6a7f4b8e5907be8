package io.sluice.training.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.sluice.training.checkpoint.CheckpointFile.CorruptException;
import io.sluice.training.checkpoint.CheckpointFile.Header;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.security.DigestInputStream;
import java.util.Arrays;

/**
 * Reads a checkpoint file once, from its first byte to its last: the header on construction, then
 * the numbers as they lie in the file, then {@link #requireHash}. Closing the stream is the
 * caller's.
 */
final class CheckpointReader {
  private static final int MAX_HEADER_BYTES = 1 << 24;

  private final DigestInputStream digest;
  private final DataInputStream in;
  private final Header header;

  /**
   * @param fileBytes the file's length, which bounds what the header may claim
   * @throws CorruptException if the file is of another format or of another length than it says
   */
  CheckpointReader(InputStream stream, long fileBytes) throws IOException {
    digest = new DigestInputStream(stream, CheckpointFile.sha256());
    in = new DataInputStream(digest);
    try {
      header = header(fileBytes);
    } catch (EOFException e) {
      throw new CorruptException("it ends early");
    } catch (JsonProcessingException e) {
      throw new CorruptException("its header is not the JSON it should be");
    }
  }

  private Header header(long fileBytes) throws IOException {
    byte[] magic = in.readNBytes(CheckpointFile.MAGIC.length);
    if (!Arrays.equals(magic, CheckpointFile.MAGIC)) {
      throw new CorruptException("it does not begin with \"" + Checkpoint.FORMAT + "\"");
    }
    int headerBytes = in.readInt();
    if (headerBytes < 2 || headerBytes > Math.min(MAX_HEADER_BYTES, fileBytes)) {
      throw new CorruptException("its header claims %d bytes".formatted(headerBytes));
    }
    Header read = CheckpointFile.JSON.readValue(in.readNBytes(headerBytes), Header.class);
    long expected =
        magic.length
            + Integer.BYTES
            + headerBytes
            + Float.BYTES * read.floats()
            + CheckpointFile.HASH_BYTES;
    if (expected != fileBytes) {
      throw new CorruptException(
          "it has %d bytes where its header says %d".formatted(fileBytes, expected));
    }
    return read;
  }

  Header header() {
    return header;
  }

  /** Fills the first bytes of a buffer with the next ones of the numbers. */
  void read(byte[] buffer, int bytes) throws IOException {
    try {
      in.readFully(buffer, 0, bytes);
    } catch (EOFException e) {
      throw new CorruptException("it ends early");
    }
  }

  /**
   * Called after the last number.
   *
   * @throws CorruptException if what was read is not what was written
   */
  void requireHash() throws IOException {
    byte[] computed = digest.getMessageDigest().digest();
    digest.on(false);
    if (!Arrays.equals(computed, in.readNBytes(CheckpointFile.HASH_BYTES))) {
      throw new CorruptException("its SHA-256 does not match its content");
    }
  }
}
