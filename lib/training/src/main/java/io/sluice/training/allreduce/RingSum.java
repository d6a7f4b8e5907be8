package io.sluice.training.allreduce;

import io.sluice.training.transport.Endpoint;
import io.sluice.training.transport.Link;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * A sum of a long array: each rank sends 2(R−1)/R of its bytes, which is the least there is.
 *
 * <p>The array is cut in R shards. Shard s starts at rank s and goes around the ring; each rank
 * adds its own numbers and passes it on, so that after R−1 hops rank s−1, its owner, has the sum
 * (reduce). The sum goes around once more, R−1 hops (gather). Shards go in pieces: one that has
 * arrived is added and passed on at once, so all links are busy all the time, and no rank waits for
 * a whole shard. The order of additions is that of the ring, whatever the order of arrival.
 *
 * <p>Pieces are sent from the array and added into it: nothing is staged.
 *
 * <p><b>Aliasing.</b> A piece of the gather phase overwrites numbers that the reduce phase sent. By
 * then all ranks have added them, so the connection has read them.
 *
 * <p><b>Source.</b> Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of
 * workstations", Journal of Parallel and Distributed Computing 69(2), 2009.
 */
final class RingSum extends RingPass<RingSum.Piece> {
  record Piece(boolean reduced, int at, int size) {}

  private final LinkedAllReduce all;
  private final ByteBuffer bytes;
  private final FloatBuffer floats;
  private final WireFormat wire;
  private final int pieceSize;
  private long toArrive;

  RingSum(LinkedAllReduce all, long id, ByteBuffer array) {
    super(all, id, array.remaining() / Float.BYTES);
    this.all = all;
    this.bytes = array.slice();
    this.floats = bytes.order(ByteOrder.nativeOrder()).asFloatBuffer();
    this.wire = all.settings().wire();
    this.pieceSize = all.settings().pieceBytes() / Float.BYTES;
  }

  @Override
  void addOwn() {
    // all shards but those that start here: in the reduce phase ours, in the gather phase the one
    // we own
    toArrive = 2L * count - size(rank) - size((rank + 1) % ranks);
    for (int at = begin(rank); at < begin(rank + 1); at += pieceSize) {
      passOn(new Piece(false, at, Math.min(pieceSize, begin(rank + 1) - at)));
    }
  }

  /** First number of a shard; of shard R, the end of the array. */
  private int begin(int shard) {
    return (int) ((long) shard * count / ranks);
  }

  private int size(int shard) {
    return begin(shard + 1) - begin(shard);
  }

  private int shardOf(int at) {
    int shard = (int) ((long) at * ranks / count);
    while (begin(shard + 1) <= at) {
      shard++;
    }
    return shard;
  }

  /** Where a piece that begins to arrive goes. */
  Endpoint.Body arriving(boolean reduced, int at, int bodyBytes) {
    int size = bodyBytes / wire.bytes();
    if (at < 0 || size <= 0 || at > count - size || bodyBytes % wire.bytes() != 0) {
      throw new IllegalArgumentException(
          "piece [%d, +%d bytes) of sum %d, which has %d numbers"
              .formatted(at, bodyBytes, id, count));
    }
    return new Arrival(reduced, at, size);
  }

  private final class Arrival implements Endpoint.Body {
    private final boolean reduced;
    private final int at;
    private final int size;
    private int arrived;

    /** Bytes of a number that was cut in two. */
    private final ByteBuffer cut = ByteBuffer.allocate(wire.bytes());

    Arrival(boolean reduced, int at, int size) {
      this.reduced = reduced;
      this.at = at;
      this.size = size;
    }

    @Override
    public void piece(ByteBuffer in, boolean last) {
      if (hasFailed()) {
        return;
      }
      if (cut.position() > 0) {
        while (cut.hasRemaining() && in.hasRemaining()) {
          cut.put(in.get());
        }
        if (cut.hasRemaining()) {
          return;
        }
        take(cut.flip(), 1);
        cut.clear();
      }
      take(in, in.remaining() / wire.bytes());
      cut.put(in);
      if (last) {
        arrived(reduced, at, size);
      }
    }

    private void take(ByteBuffer in, int n) {
      if (reduced) {
        all.numbers().put(wire, floats, at + arrived, in, n);
      } else {
        all.numbers().add(wire, floats, at + arrived, in, n);
      }
      arrived += n;
    }
  }

  private void arrived(boolean reduced, int at, int size) {
    toArrive -= size;
    int owner = (shardOf(at) + ranks - 1) % ranks;
    boolean isReducedNow = reduced || owner == rank;
    boolean goesOn = !isReducedNow || (rank + 1) % ranks != owner;
    if (goesOn) {
      passOn(new Piece(isReducedNow, at, size));
    }
    arrived();
  }

  @Override
  void send(Piece piece, Link next) {
    if (wire == WireFormat.F32) {
      ByteBuffer body = bytes.slice(piece.at * Float.BYTES, piece.size * Float.BYTES);
      all.sendPiece(next, this, piece.reduced, piece.at, body, read());
      return;
    }
    ByteBuffer body = all.takeBuffer().limit(piece.size * wire.bytes());
    // the owner keeps what the others will get; rounding again changes nothing
    all.numbers().narrow(floats, piece.at, piece.size, body, piece.reduced);
    Runnable released = read();
    all.sendPiece(
        next,
        this,
        piece.reduced,
        piece.at,
        body,
        () -> {
          all.giveBuffer(body);
          released.run();
        });
  }

  @Override
  boolean allHasArrived() {
    return toArrive == 0;
  }

  @Override
  String kind() {
    return "floats";
  }
}
