package io.sluice.training.allreduce;

import io.sluice.training.transport.Link;
import java.util.ArrayDeque;

/**
 * What goes around the ring in pieces: each comes from the rank before this one and is passed on as
 * soon as it has arrived.
 *
 * <p>A rank sends only after the next one said that it has begun this too: what arrives has a
 * place.
 *
 * @param <P> a piece
 */
abstract class RingPass<P> extends Sum {
  /** Pieces that are handed to the connection at a time: enough to keep it busy. */
  private static final int WINDOW = 8;

  final int rank;
  final int ranks;
  private final LinkedAllReduce all;
  private final Link previous;
  private final Link next;
  private final ArrayDeque<P> outbox = new ArrayDeque<>();
  private boolean nextIsReady;

  RingPass(LinkedAllReduce all, long id, int count) {
    super(all, id, count);
    this.all = all;
    this.rank = all.rank();
    this.ranks = all.ranks();
    this.previous = all.link(rank + ranks - 1);
    this.next = all.link(rank + 1);
  }

  @Override
  final void start() {
    addOwn();
    all.sendReady(previous, this);
    settle();
  }

  /** {@link #passOn Passes on} what starts on this rank. */
  abstract void addOwn();

  /** Hands a piece to the connection. */
  abstract void send(P piece, Link next);

  /** Whether the pieces of all other ranks have arrived. */
  abstract boolean allHasArrived();

  /** Sends a piece once those before it are on their way. */
  final void passOn(P piece) {
    outbox.add(piece);
  }

  /** A piece has arrived, and has been passed on if it goes on. */
  final void arrived() {
    pump();
    settle();
  }

  @Override
  final void nextIsReady() {
    nextIsReady = true;
    pump();
  }

  @Override
  final void released() {
    pump();
  }

  private void pump() {
    while (nextIsReady && reading() < WINDOW && !outbox.isEmpty() && !hasFailed()) {
      send(outbox.remove(), next);
    }
  }

  @Override
  final boolean isComplete() {
    return allHasArrived() && outbox.isEmpty();
  }

  @Override
  final Link missing() {
    return nextIsReady || outbox.isEmpty() ? previous : next;
  }

  @Override
  final String waitsFor() {
    return missing() == next ? "has not begun it" : "has not sent its part";
  }
}
