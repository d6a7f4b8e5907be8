package io.sluice.training.allreduce;

import io.sluice.training.transport.Endpoint;
import io.sluice.training.transport.Link;
import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntFunction;
import java.util.stream.Collectors;

/**
 * The ranks that one exchanges messages with, and how it is linked with them: both neighbours in
 * the ring, and log₂ R others. It connects to lower ranks and waits for higher ones; that each is
 * who it says it is, the endpoint has made sure of.
 */
final class Partners {
  private final int rank;
  private final int ranks;
  private final IntFunction<String> names;

  // written by the endpoint's thread, complete before the first sum
  private final Map<Integer, Link> links = new ConcurrentHashMap<>();

  /** Of higher ranks. */
  private final Map<Integer, CompletableFuture<Void>> expected = new HashMap<>();

  private volatile PeerLostException failure;

  Partners(int rank, int ranks, IntFunction<String> names) {
    this.rank = rank;
    this.ranks = ranks;
    this.names = names;
    all().tailSet(rank).forEach(partner -> expected.put(partner, new CompletableFuture<>()));
  }

  private SortedSet<Integer> all() {
    var partners = new TreeSet<>(ExchangePlan.partners(rank, ranks));
    partners.add((rank + 1) % ranks);
    partners.add((rank + ranks - 1) % ranks);
    partners.remove(rank);
    return partners;
  }

  String name(int rank) {
    return names.apply(rank);
  }

  /** This rank's. */
  String name() {
    return name(rank);
  }

  /** The partner at the other end; null if it is none. */
  Integer of(Link link) {
    return all().stream()
        .filter(partner -> name(partner).equals(link.peer()))
        .findFirst()
        .orElse(null);
  }

  /** The link to a rank; ranks are counted around the ring. */
  Link link(int partner) {
    return links.get(partner % ranks);
  }

  Collection<Link> links() {
    return links.values();
  }

  /**
   * Opens the links to all partners: to lower ranks from here, to higher ones from there.
   *
   * @param addresses of all ranks, by rank
   * @throws PeerLostException if that fails, or already {@link #fail did}
   */
  void join(Endpoint endpoint, List<String> addresses, Duration deadline)
      throws InterruptedException {
    long end = System.nanoTime() + deadline.toNanos();
    for (int partner : all().headSet(rank)) {
      connect(endpoint, partner, addresses.get(partner), Duration.ofNanos(end - System.nanoTime()));
    }
    var all = CompletableFuture.allOf(expected.values().toArray(new CompletableFuture<?>[0]));
    try {
      all.get(end - System.nanoTime(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      SortedSet<Integer> missing = missing();
      if (!missing.isEmpty()) {
        throw missing(missing, deadline);
      }
      if (failure != null) {
        throw new PeerLostException(failure);
      }
      // else the last one came as the time ran out
    } catch (ExecutionException e) {
      throw new PeerLostException((PeerLostException) e.getCause());
    }
  }

  private void connect(Endpoint endpoint, int partner, String address, Duration deadline) {
    try {
      if (failure != null) {
        throw new PeerLostException(failure);
      }
      endpoint.connect(address, name(partner), deadline);
    } catch (IOException e) {
      PeerLostException first = failure; // the better reason, if there is one
      if (first != null) {
        throw new PeerLostException(first);
      }
      var lost = new PeerLostException(name(partner), capitalised(e.getMessage()));
      lost.initCause(e);
      throw lost;
    }
  }

  private SortedSet<Integer> missing() {
    var missing = new TreeSet<Integer>();
    expected.forEach(
        (partner, link) -> {
          if (!link.isDone()) {
            missing.add(partner);
          }
        });
    return missing;
  }

  private PeerLostException missing(SortedSet<Integer> missing, Duration deadline) {
    SortedSet<Integer> joined = all();
    joined.removeAll(missing);
    return new PeerLostException(
        name(missing.first()),
        "%s did not connect to %s within %s (joined: %s; missing: %s). See the logs of the missing ranks; allow more time if they start slowly."
            .formatted(
                capitalised(name(missing.first())),
                name(),
                LinkedAllReduce.shown(deadline),
                joined.isEmpty() ? "none" : listed(joined),
                listed(missing)));
  }

  private static String listed(SortedSet<Integer> ranks) {
    return ranks.stream().map(String::valueOf).collect(Collectors.joining(", "));
  }

  /** A partner is linked; on the endpoint's thread. */
  void joined(int partner, Link link) {
    links.put(partner, link);
    CompletableFuture<Void> awaited = expected.get(partner);
    if (awaited != null) {
      awaited.complete(null);
    }
  }

  /** Nobody joins any more, for this reason; on the endpoint's thread. */
  void fail(PeerLostException cause) {
    failure = cause;
    expected.values().forEach(link -> link.completeExceptionally(cause));
  }

  static String capitalised(String name) {
    return Character.toUpperCase(name.charAt(0)) + name.substring(1);
  }
}
