package io.sluice.training.transport;

import java.nio.ByteBuffer;

/**
 * An open connection to one member of the run. Messages arrive whole and in order, or the link is
 * lost.
 *
 * <p>Safe for use by any thread; messages that one thread sends keep their order.
 */
public interface Link {
  /** Longest head of a message. */
  int MAX_HEAD_BYTES = 64 << 10;

  /** Name that the peer proved to hold. */
  String peer();

  /**
   * Sends a message that is all head.
   *
   * @param head copied at once; at most {@link #MAX_HEAD_BYTES}
   */
  default void send(ByteBuffer head) {
    send(head, null, null);
  }

  /**
   * Sends a message and returns at once. What cannot be sent is dropped: the listener hears that
   * the link is lost.
   *
   * @param head copied at once; at most {@link #MAX_HEAD_BYTES}
   * @param body read later, and not copied where it is direct memory; null for none. It must live
   *     and keep its bytes until {@code released}
   * @param released runs on the endpoint's thread once the body is read no more, sent or dropped;
   *     may be null
   */
  void send(ByteBuffer head, ByteBuffer body, Runnable released);

  /** Bytes handed to the connection, heads, lengths and heartbeats included. */
  long bytesSent();

  /**
   * Closes the link after what was sent before is on its way. The peer sees it lost, this side
   * hears nothing more of it.
   */
  void close();
}
