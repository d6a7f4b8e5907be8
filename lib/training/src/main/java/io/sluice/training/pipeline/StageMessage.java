package io.sluice.training.pipeline;

import io.sluice.recurrent.pipeline.Examples;
import io.sluice.recurrent.pipeline.StageLinks;
import io.sluice.recurrent.pipeline.Unit;
import io.sluice.training.checkpoint.StagePart;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Heads and bodies of what pipeline stages send each other, little-endian.
 *
 * <pre>
 * HEADER        examples int64, size int32, time steps int32, targets int32, rate factor float64, kind int8, stop int8, whole int8
 * EXAMPLES      micro-batch int32, B int32, lengths int8, shape of labels, shape of their mask      body: keys int64, lengths int32 if there are any, labels and mask float32
 * ACTIVATIONS   micro-batch int32, chunk int32                                      body: numbers
 * GRADIENTS     micro-batch int32, chunk int32                                      body: numbers
 * TIED                                                                            body: numbers, float32 whatever travels otherwise
 * DONE
 * PART          step int64, stage int32, written int8, text UTF-8
 * ABORT         text UTF-8
 * LEAVING
 * </pre>
 *
 * A shape is its rank, int32, and that many int64; rank 0 is no array.
 */
final class StageMessage {
  enum Kind {
    HEADER("the header of a step", 31),
    EXAMPLES("examples", 17),
    ACTIVATIONS("activations", 8),
    GRADIENTS("gradients", 8),
    TIED("rows of an embedding that a head is tied to", 0),
    DONE("that a batch of the validation is done", 0),
    PART("how its part of a checkpoint went", 13),
    ABORT("that it fails", 0),
    LEAVING("that it leaves", 0);

    private final String words;

    /** Of a head, at least. */
    private final int bytes;

    Kind(String words, int bytes) {
      this.words = words;
      this.bytes = bytes;
    }

    /** What is sent, for messages. */
    String words() {
      return words;
    }

    boolean hasBody() {
      return this == EXAMPLES || this == ACTIVATIONS || this == GRADIENTS || this == TIED;
    }
  }

  private static final int MAX_TEXT_BYTES = 16 << 10;
  private static final int MAX_RANK = 3;

  private final Kind kind;
  private final ByteBuffer head;

  private StageMessage(Kind kind, ByteBuffer head) {
    this.kind = kind;
    this.head = head;
  }

  /**
   * @param head copied
   * @param bodyBytes of the body that follows
   * @throws IllegalArgumentException if it is none
   */
  static StageMessage of(ByteBuffer head, int bodyBytes) {
    var copy = ByteBuffer.allocate(head.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    copy.put(head).flip();
    int number = copy.hasRemaining() ? copy.get() : -1;
    if (number < 0 || number >= Kind.values().length) {
      throw new IllegalArgumentException("its kind is %d".formatted(number));
    }
    Kind kind = Kind.values()[number];
    var message = new StageMessage(kind, copy.slice().order(ByteOrder.LITTLE_ENDIAN));
    if (copy.remaining() < kind.bytes
        || kind.hasBody() != bodyBytes > 0
        || kind == Kind.HEADER && !message.headerHasAKind()) {
      throw new IllegalArgumentException(
          "%s, %d + %d bytes".formatted(kind, copy.remaining(), bodyBytes));
    }
    return message;
  }

  private boolean headerHasAKind() {
    int kind = head.get(2 * Long.BYTES + 3 * Integer.BYTES);
    return kind >= 0 && kind < StageLinks.Kind.values().length;
  }

  Kind kind() {
    return kind;
  }

  private static ByteBuffer head(Kind kind, int bytes) {
    return ByteBuffer.allocate(1 + bytes).order(ByteOrder.LITTLE_ENDIAN).put((byte) kind.ordinal());
  }

  static ByteBuffer header(StageLinks.Header header) {
    return head(Kind.HEADER, 31)
        .putLong(header.examples())
        .putInt(header.size())
        .putInt(header.timeSteps())
        .putInt(header.targets())
        .putDouble(header.rateFactor())
        .put((byte) header.kind().ordinal())
        .put((byte) (header.stopAsked() ? 1 : 0))
        .put((byte) (header.wholeAsked() ? 1 : 0))
        .flip();
  }

  StageLinks.Header header() {
    ByteBuffer in = head.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    long examples = in.getLong();
    int size = in.getInt();
    int timeSteps = in.getInt();
    int targets = in.getInt();
    double rateFactor = in.getDouble();
    StageLinks.Kind what = StageLinks.Kind.values()[in.get()];
    return new StageLinks.Header(
        what, examples, size, timeSteps, targets, rateFactor, in.get() != 0, in.get() != 0);
  }

  static ByteBuffer unit(Kind kind, Unit unit) {
    return head(kind, 8).putInt(unit.microBatch()).putInt(unit.chunk()).flip();
  }

  boolean isOf(Unit unit) {
    ByteBuffer in = head.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    return in.getInt() == unit.microBatch() && in.getInt() == unit.chunk();
  }

  /** Which unit it is of, for messages. */
  String place() {
    ByteBuffer in = head.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    return "micro-batch %d, time chunk %d".formatted(in.getInt(), in.getInt());
  }

  static ByteBuffer examples(int microBatch, Examples examples) {
    ByteBuffer out = head(Kind.EXAMPLES, 9 + 2 * (4 + 8 * MAX_RANK));
    out.putInt(microBatch).putInt(examples.size());
    out.put((byte) (examples.lengths() == null ? 0 : 1));
    putShape(out, examples.labels());
    putShape(out, examples.labelsMask());
    return out.flip();
  }

  private static void putShape(ByteBuffer out, INDArray array) {
    out.putInt(array == null ? 0 : array.rank());
    for (int d = 0; array != null && d < array.rank(); d++) {
      out.putLong(array.size(d));
    }
  }

  static int examplesBytes(Examples examples) {
    long bytes = (long) Long.BYTES * examples.size();
    bytes += examples.lengths() == null ? 0 : (long) Integer.BYTES * examples.size();
    bytes += Float.BYTES * length(examples.labels());
    bytes += Float.BYTES * length(examples.labelsMask());
    return Math.toIntExact(bytes);
  }

  private static long length(INDArray array) {
    return array == null ? 0 : array.length();
  }

  static void examplesBody(Examples examples, ByteBuffer body) {
    for (long key : examples.keys()) {
      body.putLong(key);
    }
    if (examples.lengths() != null) {
      for (int length : examples.lengths()) {
        body.putInt(length);
      }
    }
    putNumbers(examples.labels(), body);
    putNumbers(examples.labelsMask(), body);
  }

  private static void putNumbers(INDArray array, ByteBuffer body) {
    if (array != null) {
      body.asFloatBuffer().put(array.castTo(DataType.FLOAT).dup('c').data().asFloat());
      body.position(body.position() + Math.toIntExact(array.length()) * Float.BYTES);
    }
  }

  /**
   * @throws IllegalArgumentException if head and body do not fit each other
   */
  Examples examples(int microBatch, ByteBuffer body) {
    ByteBuffer in = head.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    try {
      int sent = in.getInt();
      int B = in.getInt();
      boolean hasLengths = in.get() != 0;
      int bytesOfOne = Long.BYTES + (hasLengths ? Integer.BYTES : 0);
      if (sent != microBatch || B < 1 || B > body.remaining() / bytesOfOne) {
        throw new IllegalArgumentException(
            "%d of micro-batch %d in %d bytes".formatted(B, sent, body.remaining()));
      }
      long[] keys = new long[B];
      for (int b = 0; b < B; b++) {
        keys[b] = body.getLong();
      }
      int[] lengths = hasLengths ? new int[B] : null;
      for (int b = 0; hasLengths && b < B; b++) {
        lengths[b] = body.getInt();
        if (lengths[b] < 0) {
          throw new IllegalArgumentException("a series of %d steps".formatted(lengths[b]));
        }
      }
      return new Examples(keys, lengths, numbers(in, B, body), numbers(in, B, body));
    } catch (BufferUnderflowException e) {
      throw new IllegalArgumentException("it ends early", e);
    }
  }

  private static INDArray numbers(ByteBuffer in, int B, ByteBuffer body) {
    int rank = in.getInt();
    if (rank == 0) {
      return null;
    }
    if (rank < 0 || rank > MAX_RANK) {
      throw new IllegalArgumentException("an array of %d dimensions".formatted(rank));
    }
    long[] shape = new long[rank];
    long length = 1;
    for (int d = 0; d < rank; d++) {
      shape[d] = in.getLong();
      if (shape[d] < 1 || shape[d] > body.remaining() / Float.BYTES / length) {
        throw new IllegalArgumentException("an array that is not in it");
      }
      length *= shape[d];
    }
    if (shape[0] != B) {
      throw new IllegalArgumentException("%d labels of %d examples".formatted(shape[0], B));
    }
    float[] values = new float[Math.toIntExact(length)];
    body.asFloatBuffer().get(values);
    body.position(body.position() + values.length * Float.BYTES);
    return Nd4j.create(values, shape, 'c');
  }

  static ByteBuffer part(StagePart part) {
    byte[] text = text(part.text());
    return head(Kind.PART, 13 + text.length)
        .putLong(part.step())
        .putInt(part.stage())
        .put((byte) (part.isWritten() ? 1 : 0))
        .put(text)
        .flip();
  }

  StagePart part() {
    ByteBuffer in = head.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    return new StagePart(in.getLong(), in.getInt(), in.get() != 0, rest(in));
  }

  static ByteBuffer abort(String reason) {
    byte[] text = text(reason);
    return head(Kind.ABORT, text.length).put(text).flip();
  }

  String reason() {
    return rest(head.duplicate());
  }

  static ByteBuffer tied() {
    return head(Kind.TIED, 0).flip();
  }

  static ByteBuffer done() {
    return head(Kind.DONE, 0).flip();
  }

  static ByteBuffer leaving() {
    return head(Kind.LEAVING, 0).flip();
  }

  private static String rest(ByteBuffer in) {
    return StandardCharsets.UTF_8.decode(in).toString();
  }

  private static byte[] text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return bytes.length <= MAX_TEXT_BYTES ? bytes : Arrays.copyOf(bytes, MAX_TEXT_BYTES);
  }

  /** float32 numbers in off-heap memory. */
  static ByteBuffer bytes(Pointer numbers, long n) {
    return new FloatPointer(numbers).capacity(n).asByteBuffer().order(ByteOrder.nativeOrder());
  }
}
