package io.sluice.training.checkpoint;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

/**
 * The bytes of a checkpoint: a line with the format, a header in JSON, five float32 arrays, and the
 * SHA-256 of all of that.
 *
 * <pre>
 * "checkpoint.v2\n"                            ASCII
 * header length                                int32, big-endian
 * header                                       UTF-8 JSON: position, settings, lengths of the arrays
 * parameters | optimizer | averageParameters | bestParameters | carriedStates
 *                                              float32, little-endian
 * SHA-256                                      32 bytes
 * </pre>
 */
final class CheckpointFile {
  static final byte[] MAGIC = (Checkpoint.FORMAT + "\n").getBytes(StandardCharsets.US_ASCII);
  static final int HASH_BYTES = 32;
  static final ObjectMapper JSON = new ObjectMapper();
  private static final int BUFFER_BYTES = 1 << 16;

  private CheckpointFile() {}

  record Header(
      Checkpoint.Position position,
      Map<String, String> settings,
      int parameters,
      int optimizer,
      int averageParameters,
      int bestParameters,
      @JsonInclude(JsonInclude.Include.NON_DEFAULT) int carriedStates) {
    static Header of(Checkpoint checkpoint) {
      return new Header(
          checkpoint.position(),
          checkpoint.settings(),
          checkpoint.parameters().length,
          checkpoint.optimizer().length,
          checkpoint.averageParameters().length,
          checkpoint.bestParameters().length,
          checkpoint.carriedStates().length);
    }

    long floats() {
      return (long) parameters + optimizer + averageParameters + bestParameters + carriedStates;
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
    write(List.of(CheckpointPiece.of(checkpoint)), 1, stream);
  }

  /**
   * Writes all bytes of a checkpoint that comes in pieces, those that it has as one.
   *
   * @param pieces in the order of their parameters; position and settings are the first's
   * @param moments runs of equal length that the optimizer's state of each piece is made of; where
   *     there is one piece, 1 will do
   */
  static void write(List<? extends CheckpointPiece> pieces, int moments, OutputStream stream)
      throws IOException {
    var digest = new DigestOutputStream(new BufferedOutputStream(stream, BUFFER_BYTES), sha256());
    var out = new DataOutputStream(digest);
    Header first = pieces.get(0).header();
    byte[] header =
        JSON.writeValueAsBytes(
            new Header(
                first.position(),
                first.settings(),
                sum(pieces, Header::parameters),
                sum(pieces, Header::optimizer),
                sum(pieces, Header::averageParameters),
                sum(pieces, Header::bestParameters),
                sum(pieces, Header::carriedStates)));
    out.write(MAGIC);
    out.writeInt(header.length);
    out.write(header);
    var buffer = new byte[BUFFER_BYTES];
    writeRuns(pieces, Header::parameters, out, buffer);
    for (int moment = 0; moment < moments; moment++) {
      writeRuns(pieces, piece -> piece.optimizer() / moments, out, buffer);
    }
    writeRuns(pieces, Header::averageParameters, out, buffer);
    writeRuns(pieces, Header::bestParameters, out, buffer);
    writeRuns(pieces, Header::carriedStates, out, buffer);
    byte[] hash = digest.getMessageDigest().digest();
    digest.on(false);
    out.write(hash);
    out.flush();
  }

  private static int sum(List<? extends CheckpointPiece> pieces, ToIntFunction<Header> length) {
    return Math.toIntExact(
        pieces.stream().mapToLong(piece -> length.applyAsInt(piece.header())).sum());
  }

  /** The next numbers of each piece. */
  private static void writeRuns(
      List<? extends CheckpointPiece> pieces,
      ToIntFunction<Header> length,
      OutputStream out,
      byte[] buffer)
      throws IOException {
    for (CheckpointPiece piece : pieces) {
      piece.writeNext(length.applyAsInt(piece.header()), out, buffer);
    }
  }

  /**
   * Reads and verifies all bytes.
   *
   * @param fileBytes the file's length, which bounds what the header may claim
   * @throws CorruptException if the file is truncated, altered or of another format
   */
  static Checkpoint read(InputStream stream, long fileBytes) throws IOException {
    var in = new CheckpointReader(stream, fileBytes);
    Header header = in.header();
    float[] parameters = readFloats(header.parameters(), in);
    float[] optimizer = readFloats(header.optimizer(), in);
    float[] average = readFloats(header.averageParameters(), in);
    float[] best = readFloats(header.bestParameters(), in);
    float[] carried = readFloats(header.carriedStates(), in);
    in.requireHash();
    return new Checkpoint(
        header.position(), header.settings(), parameters, optimizer, average, best, carried);
  }

  private static float[] readFloats(int length, CheckpointReader in) throws IOException {
    var values = new float[length];
    var buffer = new byte[BUFFER_BYTES];
    int perChunk = buffer.length / Float.BYTES;
    for (int i = 0; i < length; i += perChunk) {
      int n = Math.min(perChunk, length - i);
      in.read(buffer, n * Float.BYTES);
      ByteBuffer.wrap(buffer).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values, i, n);
    }
    return values;
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
