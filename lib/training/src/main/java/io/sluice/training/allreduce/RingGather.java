package io.sluice.training.allreduce;

import io.sluice.training.transport.Endpoint;
import io.sluice.training.transport.Link;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * A message of each rank, of any length, brought to all: each goes around the ring, R−1 hops.
 *
 * <p>As in a {@link RingSum}, messages go in pieces that are passed on as they arrive, and a rank
 * sends only after the next one said that it has begun this gather too: what arrives has a place.
 * That place is taken when the first piece tells the length, which is bounded by what all ranks
 * agreed on.
 */
final class RingGather extends Sum implements AllReduce.Gathering {
  /** Pieces that are handed to the connection at a time: enough to keep it busy. */
  private static final int WINDOW = 8;

  /** Bytes [at, at + size) of a rank's message; size 0 is the whole of an empty one. */
  private record Piece(int origin, int at, int size) {}

  private final LinkedAllReduce all;
  private final int rank;
  private final int ranks;
  private final int pieceBytes;
  private final Link previous;
  private final Link next;

  /** By rank; its limit is the length, its position where the next byte goes. */
  private final ByteBuffer[] messages;

  private final ArrayDeque<Piece> outbox = new ArrayDeque<>();
  private boolean nextIsReady;
  private int toArrive;

  RingGather(
      LinkedAllReduce all, long id, ByteBuffer message, int maxBytes, Link previous, Link next) {
    super(all, id, maxBytes);
    this.all = all;
    this.rank = all.rank();
    this.ranks = all.ranks();
    this.pieceBytes = all.settings().pieceBytes();
    this.previous = previous;
    this.next = next;
    this.messages = new ByteBuffer[ranks];
    ByteBuffer own = message.slice();
    messages[rank] = own.position(own.limit());
    toArrive = ranks - 1;
  }

  @Override
  void start() {
    int length = messages[rank].limit();
    for (int at = 0; at == 0 || at < length; at += pieceBytes) {
      outbox.add(new Piece(rank, at, Math.min(pieceBytes, length - at)));
    }
    all.sendReady(previous, this);
    settle();
  }

  @Override
  void nextIsReady() {
    nextIsReady = true;
    pump();
  }

  /** Where a piece that begins to arrive goes. */
  Endpoint.Body arriving(int origin, int length, int at, int bodyBytes) {
    if (origin < 0 || origin >= ranks || origin == rank || length < 0 || length > count) {
      throw new IllegalArgumentException(
          "a message of rank %d with %,d bytes in gather %d of %d ranks, %,d bytes at most"
              .formatted(origin, length, id, ranks, count));
    }
    if (messages[origin] == null) {
      messages[origin] = ByteBuffer.allocate(length);
    }
    ByteBuffer message = messages[origin];
    boolean isNext = message.limit() == length && message.position() == at;
    if (!isNext || bodyBytes > length - at || bodyBytes == 0 && length > 0) {
      throw new IllegalArgumentException(
          "piece [%d, +%d bytes) of rank %d's message in gather %d, of which %,d of %,d bytes have arrived"
              .formatted(at, bodyBytes, origin, id, message.position(), message.limit()));
    }
    if (bodyBytes == 0) {
      arrived(new Piece(origin, 0, 0));
      return null;
    }
    return (piece, last) -> {
      if (!hasFailed()) {
        message.put(piece);
        if (last) {
          arrived(new Piece(origin, at, bodyBytes));
        }
      }
    };
  }

  private void arrived(Piece piece) {
    if (!messages[piece.origin].hasRemaining()) {
      toArrive--;
    }
    if ((rank + 1) % ranks != piece.origin) {
      outbox.add(piece);
    }
    pump();
    settle();
  }

  private void pump() {
    while (nextIsReady && reading() < WINDOW && !outbox.isEmpty() && !hasFailed()) {
      Piece piece = outbox.remove();
      ByteBuffer message = messages[piece.origin];
      ByteBuffer body = piece.size == 0 ? null : message.slice(piece.at, piece.size);
      all.sendPart(next, this, piece.origin, message.limit(), piece.at, body, read());
    }
  }

  @Override
  void released() {
    pump();
  }

  @Override
  boolean isComplete() {
    return toArrive == 0 && outbox.isEmpty();
  }

  @Override
  public List<ByteBuffer> messages() {
    var views = new ArrayList<ByteBuffer>();
    for (ByteBuffer each : messages) {
      views.add(each.duplicate().flip().order(ByteOrder.LITTLE_ENDIAN));
    }
    return views;
  }

  @Override
  Link missing() {
    return nextIsReady || outbox.isEmpty() ? previous : next;
  }

  @Override
  String waitsFor() {
    return missing() == next ? "has not begun it" : "has not sent its part";
  }

  @Override
  String kind() {
    return "bytes";
  }
}
