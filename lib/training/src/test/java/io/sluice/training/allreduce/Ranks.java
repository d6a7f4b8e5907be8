package io.sluice.training.allreduce;

import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.TransportSettings;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The ranks of a run, each with its own endpoint on loopback and its own thread. */
public final class Ranks implements AutoCloseable {
  public static final Duration DEADLINE = Duration.ofSeconds(30);

  /** What one rank does. */
  public interface Work<T> {
    T of(AllReduce rank) throws Exception;
  }

  final List<AllReduce> ranks = new ArrayList<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();

  private Ranks() {}

  public static Ranks join(TransportSettings transport, int count, AllReduceSettings settings)
      throws Exception {
    GroupKey key = GroupKey.create("run-7");
    var joining = new Ranks();
    var rendezvous = new ArrayList<Rendezvous>();
    for (int rank = 0; rank < count; rank++) {
      rendezvous.add(Rendezvous.open(transport, rank, count, key, settings));
    }
    List<String> addresses = rendezvous.stream().map(Rendezvous::address).toList();
    var joined = new ArrayList<Future<AllReduce>>();
    for (Rendezvous one : rendezvous) {
      joined.add(joining.threads.submit(() -> one.join(addresses, DEADLINE)));
    }
    for (Future<AllReduce> one : joined) {
      joining.ranks.add(one.get());
    }
    return joining;
  }

  /** What each rank returns, all at the same time; fails as the first rank that fails. */
  public <T> List<T> all(Work<T> work) throws Exception {
    var running = new ArrayList<Future<T>>();
    for (AllReduce rank : ranks) {
      running.add(threads.submit(() -> work.of(rank)));
    }
    var results = new ArrayList<T>();
    for (Future<T> one : running) {
      results.add(get(one));
    }
    return results;
  }

  /** Begins work of one rank. */
  <T> Future<T> begin(int rank, Work<T> work) {
    return threads.submit(() -> work.of(ranks.get(rank)));
  }

  static <T> T get(Future<T> work) throws Exception {
    try {
      return work.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    }
  }

  @Override
  public void close() {
    var closing = ranks.stream().map(rank -> threads.submit(rank::close)).toList();
    for (Future<?> one : closing) {
      try {
        one.get();
      } catch (InterruptedException | ExecutionException e) {
        throw new AssertionError(e);
      }
    }
    threads.shutdown();
  }

  /** Off-heap memory that holds the numbers. */
  static ByteBuffer memory(float[] numbers) {
    ByteBuffer memory =
        ByteBuffer.allocateDirect(numbers.length * Float.BYTES).order(ByteOrder.nativeOrder());
    memory.asFloatBuffer().put(numbers);
    return memory;
  }

  static float[] numbers(ByteBuffer memory) {
    FloatBuffer floats = memory.duplicate().order(ByteOrder.nativeOrder()).asFloatBuffer();
    float[] numbers = new float[floats.remaining()];
    floats.get(numbers);
    return numbers;
  }
}
