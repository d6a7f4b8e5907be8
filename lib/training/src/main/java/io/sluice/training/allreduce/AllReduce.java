package io.sluice.training.allreduce;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;

/**
 * Sums over the ranks of a run, with the same result on every rank to the bit, and the same in
 * every run of as many ranks.
 *
 * <p>All ranks begin the same sums in the same order; several may be under way at a time. The first
 * failure, of any rank, fails what is under way and all that comes later, everywhere and with the
 * same message. One thread at a time may use it.
 */
public interface AllReduce extends AutoCloseable {
  /** This rank; from 0. */
  int rank();

  /** How many ranks there are. */
  int ranks();

  /**
   * Begins to replace an array by its sum over all ranks.
   *
   * @param array float32 numbers in native order, direct memory, from position to limit; not to be
   *     touched until the result has been awaited
   * @return at once
   * @throws PeerLostException if a rank was lost before
   */
  Pending sum(ByteBuffer array);

  /**
   * The sums of a few numbers; an empty array is a barrier. Waits no longer than the settings'
   * deadline.
   *
   * @return a new array
   * @throws PeerLostException if a rank is lost, or does not do the same in time
   */
  double[] sum(double[] numbers) throws InterruptedException;

  /**
   * Begins to bring a message of each rank to all of them. Each rank sends all messages but its
   * successor's, so a gather of R messages of m bytes costs it (R−1)·m; where numbers can be added
   * on the way, {@link #sum(ByteBuffer)} costs less.
   *
   * @param message this rank's, from position to limit; may be empty; not to be touched until the
   *     gather has been awaited
   * @param maxBytes of the longest message of any rank; the same on all ranks
   * @return at once
   * @throws PeerLostException if a rank was lost before
   */
  Gathering gather(ByteBuffer message, int maxBytes);

  /** Tells all ranks that this one fails, and why: the message of their exceptions. */
  void abort(String reason);

  /** Bytes that this rank has sent so far, with all that goes around the numbers. */
  long bytesSent();

  /**
   * Leaves. Sums that are under way are aborted; the others ranks' that need none of this are not.
   */
  @Override
  void close();

  /** A sum that is under way. */
  interface Pending {
    /**
     * Returns when the sum stands in the array and nothing reads the array any more. After any
     * exception nothing reads or writes it either.
     *
     * @throws PeerLostException if a rank is lost, or does not do its part within the deadline
     * @throws InterruptedException if the caller was interrupted; the all-reduce is aborted then
     */
    void await(Duration deadline) throws InterruptedException;

    /** Whether {@link #await} would return, or throw, at once. */
    boolean isDone();
  }

  /** A gather that is under way. */
  interface Gathering extends Pending {
    /**
     * What all ranks sent, by rank, in little-endian order; once the gather has been awaited.
     *
     * @return new views of the same memory at each call
     */
    List<ByteBuffer> messages();
  }
}
