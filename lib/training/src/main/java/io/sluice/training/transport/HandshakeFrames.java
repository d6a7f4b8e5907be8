package io.sluice.training.transport;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Locale;

/**
 * Gathers Spark's frames during a handshake: one at a time, of the kind that is due and no longer
 * than a handshake needs, so that a stranger takes no more memory than that.
 *
 * <p>A frame of Spark's begins with its whole length, 8 bytes, and the type of its message, 1 byte.
 */
final class HandshakeFrames {
  private static final int LENGTH = Long.BYTES;

  /** Longest answer to a hello: Spark sends the stack trace of what it refuses. */
  private static final int MAX_ANSWER_BYTES = 64 << 10;

  private static final byte RPC_REQUEST = 3;
  private static final byte RPC_RESPONSE = 4;
  private static final byte RPC_FAILURE = 5;

  private final boolean accepted;
  private final String runId;
  private ByteBuf frame;

  /**
   * @param accepted whether the peer has connected, and so is the one that asks
   * @param runId for messages
   */
  HandshakeFrames(boolean accepted, String runId) {
    this.accepted = accepted;
    this.runId = runId;
  }

  /**
   * @return a whole frame, which the caller has to release; null if more must come
   * @throws Handshake.BrokenException if it is too long, or none that is due
   */
  ByteBuf gather(ByteBuf in) throws Handshake.BrokenException {
    if (frame == null) {
      frame = Unpooled.buffer(64, LENGTH + MAX_ANSWER_BYTES);
    }
    int known = frame.readableBytes();
    if (known <= LENGTH) {
      frame.writeBytes(in, Math.min(in.readableBytes(), LENGTH + 1 - known));
      if (frame.readableBytes() <= LENGTH) {
        return null;
      }
    }
    long length = frame.getLong(0);
    requireDue(length, frame.getByte(LENGTH));
    frame.writeBytes(
        in, Math.min(in.readableBytes(), Math.toIntExact(length) - frame.readableBytes()));
    if (frame.readableBytes() < length) {
      return null;
    }
    ByteBuf whole = frame;
    frame = null;
    return whole;
  }

  private void requireDue(long length, byte type) throws Handshake.BrokenException {
    int most = accepted ? Handshake.MAX_BYTES : MAX_ANSWER_BYTES;
    if (length <= LENGTH || length > LENGTH + most) {
      throw new Handshake.BrokenException(
          String.format(
              Locale.ROOT,
              "announced a frame of %,d bytes before it proved to belong to run %s; at most %,d are"
                  + " accepted",
              length - LENGTH,
              runId,
              most));
    }
    if (accepted ? type != RPC_REQUEST : type != RPC_RESPONSE && type != RPC_FAILURE) {
      throw new Handshake.BrokenException(
          "sent a message of type %d where a handshake is due".formatted(type));
    }
  }

  /** Drops what is not whole. */
  void release() {
    if (frame != null) {
      frame.release();
      frame = null;
    }
  }
}
