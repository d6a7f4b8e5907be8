package io.sluice.training.allreduce;

import io.sluice.training.transport.Endpoint;
import io.sluice.training.transport.Link;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A message of each rank, of any length, brought to all: each goes around the ring, R−1 hops.
 *
 * <p>A message's place is taken when its first piece tells the length, which is bounded by what all
 * ranks agreed on.
 */
final class RingGather extends RingPass<RingGather.Piece> implements AllReduce.Gathering {
  /** Bytes [at, at + size) of a rank's message; size 0 is the whole of an empty one. */
  record Piece(int origin, int at, int size) {}

  private final LinkedAllReduce all;
  private final int pieceBytes;

  /** By rank; its limit is the length, its position where the next byte goes. */
  private final ByteBuffer[] messages;

  private int toArrive;

  RingGather(LinkedAllReduce all, long id, ByteBuffer message, int maxBytes) {
    super(all, id, maxBytes);
    this.all = all;
    this.pieceBytes = all.settings().pieceBytes();
    this.messages = new ByteBuffer[ranks];
    ByteBuffer own = message.slice();
    messages[rank] = own.position(own.limit());
    toArrive = ranks - 1;
  }

  @Override
  void addOwn() {
    int length = messages[rank].limit();
    for (int at = 0; at == 0 || at < length; at += pieceBytes) {
      passOn(new Piece(rank, at, Math.min(pieceBytes, length - at)));
    }
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
      passOn(piece);
    }
    arrived();
  }

  @Override
  void send(Piece piece, Link next) {
    ByteBuffer message = messages[piece.origin];
    ByteBuffer body = piece.size == 0 ? null : message.slice(piece.at, piece.size);
    all.sendPart(next, this, piece.origin, message.limit(), piece.at, body, read());
  }

  @Override
  boolean allHasArrived() {
    return toArrive == 0;
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
  String kind() {
    return "bytes";
  }
}
