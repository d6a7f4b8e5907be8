package io.sluice.training.allreduce;

import io.sluice.training.transport.Link;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * One sum or gather on this rank, from its begin to its end. All but the waiting runs on the
 * endpoint's thread.
 */
abstract class Sum implements AllReduce.Pending {
  /** How long after a failure connections may take to let go of an array. */
  private static final Duration RELEASE = Duration.ofSeconds(10);

  final long id;
  final int count;
  private final LinkedAllReduce all;
  private final CompletableFuture<Void> done = new CompletableFuture<>();
  private int reading;
  private PeerLostException failure;

  Sum(LinkedAllReduce all, long id, int count) {
    this.all = all;
    this.id = id;
    this.count = count;
  }

  /** Begins. */
  abstract void start();

  /** Whether all has arrived and all is on its way. */
  abstract boolean isComplete();

  /**
   * What it waits for, as the end of a sentence that begins with the name of {@link #missing()}.
   */
  abstract String waitsFor();

  /** The link whose peer it waits for. */
  abstract Link missing();

  /** "floats", "doubles" or, of a gather, "bytes". */
  abstract String kind();

  /** The next rank of the ring has begun it; of those that go around the ring. */
  void nextIsReady() {
    throw new IllegalArgumentException("sum %d does not go around the ring".formatted(id));
  }

  /** A connection reads the array from now on; the returned task says that it does no more. */
  final Runnable read() {
    reading++;
    return () -> {
      reading--;
      released();
      settle();
    };
  }

  /** A connection has released what it read. */
  void released() {}

  /** How many parts of the array connections read now. */
  final int reading() {
    return reading;
  }

  final boolean hasFailed() {
    return failure != null;
  }

  final void fail(PeerLostException failure) {
    this.failure = failure;
    settle();
  }

  /** Ends if there is nothing more to wait for. */
  final void settle() {
    if (reading > 0 || done.isDone()) {
      return;
    }
    if (failure != null) {
      done.completeExceptionally(failure);
    } else if (isComplete()) {
      finish();
      done.complete(null);
      all.completed(this);
    }
  }

  /** Runs before the end. */
  void finish() {}

  @Override
  public final boolean isDone() {
    return done.isDone();
  }

  @Override
  public final void await(Duration deadline) throws InterruptedException {
    try {
      try {
        done.get(deadline.toNanos(), TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        all.expire(this, deadline);
        letGo();
        done.get(0, TimeUnit.NANOSECONDS); // it may have ended in the last moment
      } catch (InterruptedException e) {
        all.abort("its thread was interrupted");
        letGo();
        throw e;
      }
    } catch (ExecutionException e) {
      throw new PeerLostException((PeerLostException) e.getCause());
    } catch (TimeoutException e) {
      throw new IllegalStateException(
          "sum %d of %s has not ended %s after its failure"
              .formatted(id, all.name(), LinkedAllReduce.shown(RELEASE)),
          e);
    }
  }

  /** Waits until no connection reads or writes the array, whatever comes. */
  private void letGo() {
    boolean interrupted = false;
    long end = System.nanoTime() + RELEASE.toNanos();
    while (!done.isDone() && System.nanoTime() < end) {
      try {
        done.get(end - System.nanoTime(), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      } catch (ExecutionException | TimeoutException e) {
        break;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
