package io.sluice.training.transport;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.Locale;

/**
 * Puts a connection's messages together, however its bytes are cut: {@code int headBytes, int
 * bodyBytes, head, body}, in network order. A head is kept until it is whole; a body is handed on
 * as it comes.
 */
final class MessageReader {
  /** Bytes of the two lengths. */
  static final int LENGTHS = 2 * Integer.BYTES;

  /** Takes what has been read. */
  interface Sink {
    /**
     * @param head valid during the call
     * @return takes the body; not called, and may be null, if there is none
     */
    Endpoint.Body received(ByteBuffer head, int bodyBytes);
  }

  private final Sink sink;
  private final ByteBuffer lengths = ByteBuffer.allocate(LENGTHS);
  private byte[] head = new byte[Handshake.MAX_BYTES];
  private int headBytes;
  private int headFilled;
  private int bodyBytes;
  private int bodyLeft;
  private Endpoint.Body body;

  MessageReader(Sink sink) {
    this.sink = sink;
  }

  /**
   * Reads on, to the end of a head or a body at most: what follows may have other bounds.
   *
   * @param maxHead longest head that is accepted, in bytes
   * @param maxBody longest body
   * @throws Handshake.BrokenException if a longer one is announced
   */
  void read(ByteBuf in, int maxHead, int maxBody) throws Handshake.BrokenException {
    if (bodyLeft > 0) {
      readBody(in);
      return;
    }
    if (lengths.hasRemaining() && !readLengths(in, maxHead, maxBody)) {
      return;
    }
    int n = Math.min(in.readableBytes(), headBytes - headFilled);
    in.readBytes(head, headFilled, n);
    headFilled += n;
    if (headFilled == headBytes) {
      lengths.clear();
      headFilled = 0;
      if (headBytes > 0 || bodyBytes > 0) {
        body = sink.received(ByteBuffer.wrap(head, 0, headBytes), bodyBytes);
        bodyLeft = bodyBytes;
      }
    }
  }

  /** Whether the lengths are complete. */
  private boolean readLengths(ByteBuf in, int maxHead, int maxBody)
      throws Handshake.BrokenException {
    while (lengths.hasRemaining() && in.isReadable()) {
      lengths.put(in.readByte());
    }
    if (lengths.hasRemaining()) {
      return false;
    }
    headBytes = lengths.getInt(0);
    bodyBytes = lengths.getInt(Integer.BYTES);
    if (headBytes < 0 || headBytes > maxHead || bodyBytes < 0 || bodyBytes > maxBody) {
      throw new Handshake.BrokenException(
          String.format(
              Locale.ROOT,
              "announced a message of %,d + %,d bytes; at most %,d + %,d are accepted",
              headBytes,
              bodyBytes,
              maxHead,
              maxBody));
    }
    if (headBytes > head.length) {
      head = new byte[headBytes];
    }
    return true;
  }

  private void readBody(ByteBuf in) {
    int n = Math.min(in.readableBytes(), bodyLeft);
    ByteBuffer piece = in.internalNioBuffer(in.readerIndex(), n);
    in.skipBytes(n);
    bodyLeft -= n;
    body.piece(piece, bodyLeft == 0);
  }
}
