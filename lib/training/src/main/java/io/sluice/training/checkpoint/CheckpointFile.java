package io.sluice.training.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.DigestInputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Map;

/**
 * The bytes of a checkpoint: a line with the format, a header in JSON, four float32 arrays, and the
 * SHA-256 of all of that.
 *
 * <pre>
 * "checkpoint.v2\n"                            ASCII
 * header length                                int32, big-endian
 * header                                       UTF-8 JSON: position, settings, lengths of the arrays
 * parameters | optimizer | averageParameters | bestParameters      float32, little-endian
 * SHA-256                                      32 bytes
 * </pre>
 */
final class CheckpointFile {
  private static final byte[] MAGIC =
      (Checkpoint.FORMAT + "\n").getBytes(StandardCharsets.US_ASCII);
  private static final int HASH_BYTES = 32;
  private static final int MAX_HEADER_BYTES = 1 << 24;
  private static final ObjectMapper JSON = new ObjectMapper();

  private CheckpointFile() {}

  private record Header(
      Checkpoint.Position position,
      Map<String, String> settings,
      int parameters,
      int optimizer,
      int averageParameters,
      int bestParameters) {
    long floats() {
      return (long) parameters + optimizer + averageParameters + bestParameters;
    }
  }

  /** The file is not a whole checkpoint. */
  static final class CorruptException extends IOException {
    private static final long serialVersionUID = 1L;

    CorruptException(String message) {
      super(message);
    }
  }

  /** Writes all bytes; closing the stream is the caller's. */
  static void write(Checkpoint checkpoint, OutputStream stream) throws IOException {
    var digest = new DigestOutputStream(new BufferedOutputStream(stream, 1 << 16), sha256());
    var out = new DataOutputStream(digest);
    byte[] header =
        JSON.writeValueAsBytes(
            new Header(
                checkpoint.position(),
                checkpoint.settings(),
                checkpoint.parameters().length,
                checkpoint.optimizer().length,
                checkpoint.averageParameters().length,
                checkpoint.bestParameters().length));
    out.write(MAGIC);
    out.writeInt(header.length);
    out.write(header);
    writeFloats(checkpoint.parameters(), out);
    writeFloats(checkpoint.optimizer(), out);
    writeFloats(checkpoint.averageParameters(), out);
    writeFloats(checkpoint.bestParameters(), out);
    byte[] hash = digest.getMessageDigest().digest();
    digest.on(false);
    out.write(hash);
    out.flush();
  }

  /**
   * Reads and verifies all bytes.
   *
   * @param fileBytes the file's length, which bounds what the header may claim
   * @throws CorruptException if the file is truncated, altered or of another format
   */
  static Checkpoint read(InputStream stream, long fileBytes) throws IOException {
    var digest = new DigestInputStream(new BufferedInputStream(stream, 1 << 16), sha256());
    var in = new DataInputStream(digest);
    try {
      byte[] magic = in.readNBytes(MAGIC.length);
      if (!Arrays.equals(magic, MAGIC)) {
        throw new CorruptException("it does not begin with \"" + Checkpoint.FORMAT + "\"");
      }
      int headerBytes = in.readInt();
      if (headerBytes < 2 || headerBytes > Math.min(MAX_HEADER_BYTES, fileBytes)) {
        throw new CorruptException("its header claims %d bytes".formatted(headerBytes));
      }
      Header header = JSON.readValue(in.readNBytes(headerBytes), Header.class);
      long expected =
          MAGIC.length + Integer.BYTES + headerBytes + Float.BYTES * header.floats() + HASH_BYTES;
      if (expected != fileBytes) {
        throw new CorruptException(
            "it has %d bytes where its header says %d".formatted(fileBytes, expected));
      }
      float[] parameters = readFloats(header.parameters(), in);
      float[] optimizer = readFloats(header.optimizer(), in);
      float[] average = readFloats(header.averageParameters(), in);
      float[] best = readFloats(header.bestParameters(), in);
      byte[] computed = digest.getMessageDigest().digest();
      digest.on(false);
      if (!Arrays.equals(computed, in.readNBytes(HASH_BYTES))) {
        throw new CorruptException("its SHA-256 does not match its content");
      }
      return new Checkpoint(
          header.position(), header.settings(), parameters, optimizer, average, best);
    } catch (EOFException e) {
      throw new CorruptException("it ends early");
    } catch (JsonProcessingException e) {
      throw new CorruptException("its header is not the JSON it should be");
    }
  }

  private static void writeFloats(float[] values, DataOutputStream out) throws IOException {
    ByteBuffer chunk = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < values.length; i++) {
      if (!chunk.hasRemaining()) {
        out.write(chunk.array(), 0, chunk.position());
        chunk.clear();
      }
      chunk.putFloat(values[i]);
    }
    out.write(chunk.array(), 0, chunk.position());
  }

  private static float[] readFloats(int length, DataInputStream in) throws IOException {
    float[] values = new float[length];
    byte[] bytes = new byte[1 << 16];
    int perChunk = bytes.length / Float.BYTES;
    for (int i = 0; i < length; i += perChunk) {
      int n = Math.min(perChunk, length - i);
      in.readFully(bytes, 0, n * Float.BYTES);
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values, i, n);
    }
    return values;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
