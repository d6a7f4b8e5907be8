package io.sluice.training.transport;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A listener that keeps what it hears, for a test's thread to take. */
final class Heard implements Endpoint.Listener {
  final BlockingQueue<Link> joined = new LinkedBlockingQueue<>();
  final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
  final BlockingQueue<String> lost = new LinkedBlockingQueue<>();

  /** The next thing; a test that waits for nothing fails. */
  static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
    T next = queue.poll(20, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("heard nothing for 20 s");
    }
    return next;
  }

  @Override
  public void joined(Link link) {
    joined.add(link);
  }

  @Override
  public Endpoint.Body received(Link link, ByteBuffer head, int bodyBytes) {
    String text = link.peer() + ": " + StandardCharsets.UTF_8.decode(head);
    if (bodyBytes == 0) {
      messages.add(text);
    }
    ByteBuffer body = ByteBuffer.allocate(bodyBytes);
    return (piece, last) -> {
      body.put(piece);
      if (last) {
        messages.add(text + " + " + bodyBytes + " bytes, hash " + body.flip().hashCode());
      }
    };
  }

  @Override
  public void lost(Link link, String reason) {
    lost.add(link.peer() + " " + reason);
  }

  static ByteBuffer text(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }
}
