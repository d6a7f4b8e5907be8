package io.sluice.training.allreduce;

import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.TransportSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.function.IntFunction;

/**
 * How ranks find each other: each opens a rendezvous, tells the others its address by whatever way
 * it has, and joins with the addresses of all.
 *
 * <pre>{@code
 * try (var rendezvous = Rendezvous.open(TransportSettings.ofSpark(SparkEnv.get()), rank, ranks, key, settings);
 *     var allReduce = rendezvous.join(List.of(task.allGather(rendezvous.address())), deadline)) {
 *   …
 * }
 * }</pre>
 */
public final class Rendezvous implements AutoCloseable {
  private final LinkedAllReduce allReduce;
  private boolean joined;

  private Rendezvous(LinkedAllReduce allReduce) {
    this.allReduce = allReduce;
  }

  /**
   * Listens for the other ranks from now on.
   *
   * @throws IOException if the port cannot be had
   */
  public static Rendezvous open(
      TransportSettings transport, int rank, int ranks, GroupKey key, AllReduceSettings settings)
      throws IOException {
    return open(
        transport, rank, ranks, member -> "rank %d of %d".formatted(member, ranks), key, settings);
  }

  /**
   * The same, for a group of some ranks of a run.
   *
   * @param rank in the group
   * @param ranks of the group
   * @param names of the group's ranks, as messages tell them; those of no two are alike
   */
  public static Rendezvous open(
      TransportSettings transport,
      int rank,
      int ranks,
      IntFunction<String> names,
      GroupKey key,
      AllReduceSettings settings)
      throws IOException {
    if (rank < 0 || rank >= ranks) {
      throw new IllegalArgumentException(
          "rank is %d, expected 0 to %d (%d ranks)".formatted(rank, ranks - 1, ranks));
    }
    return new Rendezvous(new LinkedAllReduce(transport, rank, ranks, names, key, settings));
  }

  /** Where the other ranks reach this one: "host:port". */
  public String address() {
    return allReduce.address();
  }

  /**
   * Links this rank with those that it exchanges messages with: both neighbours in the ring, and
   * log₂ R others. All ranks must have opened their rendezvous.
   *
   * @param addresses of all ranks, by rank
   * @throws PeerLostException if one cannot be reached, or has not come within the deadline
   */
  public AllReduce join(List<String> addresses, Duration deadline) throws InterruptedException {
    if (addresses.size() != allReduce.ranks()) {
      throw new IllegalArgumentException(
          "%d addresses, expected one for each of %d ranks"
              .formatted(addresses.size(), allReduce.ranks()));
    }
    allReduce.join(addresses, deadline);
    joined = true;
    return allReduce;
  }

  /** Stops listening, unless ranks have joined: then the all-reduce does when it is closed. */
  @Override
  public void close() {
    if (!joined) {
      allReduce.close();
    }
  }
}
