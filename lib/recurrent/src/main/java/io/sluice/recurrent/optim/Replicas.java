package io.sluice.recurrent.optim;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.layer.KernelMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Copies of a network over its own parameters, each with a thread to compute on: what one changes
 * in the parameters all have, gradients and activations are each copy's own.
 *
 * <p>The first is the network itself, on the thread that calls; every other has a thread that stays
 * its own, with one native thread, and computes on the caller's {@link Device}. Two OpenMP threads
 * on one operation wait for each other by spinning, and collapse where a core is busy otherwise;
 * two Java threads on two halves of a batch meet once a step.
 *
 * <p>Parameters must not change while {@link #each} runs.
 *
 * <p><b>Considered:</b> DL4J's {@code ParallelWrapper}. It averages parameters of independent
 * networks or shares quantised gradients; neither is the step of one network on the whole batch.
 */
public final class Replicas implements AutoCloseable {
  private final List<MultiLayerNetwork> networks = new ArrayList<>();
  private final List<ExecutorService> threads = new ArrayList<>();

  /** Whether one may still compute, on memory that must stay. */
  private boolean abandoned;

  /**
   * @param network the first replica
   * @param count of replicas, with it; at least 1
   */
  public Replicas(MultiLayerNetwork network, int count) {
    if (count < 1) {
      throw new IllegalArgumentException("count is %d, must be at least 1".formatted(count));
    }
    networks.add(network);
    for (int rank = 1; rank < count; rank++) {
      networks.add(replica(network));
      threads.add(thread(rank));
    }
  }

  /**
   * The configuration goes through JSON because DL4J's clone shares what is inside a wrapper layer,
   * and with it dropout's masks.
   */
  private static MultiLayerNetwork replica(MultiLayerNetwork network) {
    var replica =
        new MultiLayerNetwork(
            MultiLayerConfiguration.fromJson(network.getLayerWiseConfigurations().toJson()));
    replica.init(network.params(), false);
    return replica;
  }

  private static ExecutorService thread(int rank) {
    return Executors.newSingleThreadExecutor(
        work -> {
          var thread =
              new Thread(
                  () -> {
                    // OpenMP's number is the calling thread's
                    NativeThreads.set(1);
                    work.run();
                  },
                  "replica-" + rank);
          thread.setDaemon(true);
          return thread;
        });
  }

  /** What a replica does. */
  public interface Work<T> {
    /**
     * @param rank from 0
     */
    T on(MultiLayerNetwork replica, int rank);
  }

  /** Replicas, the network itself among them. */
  public int count() {
    return networks.size();
  }

  /** The network itself. */
  public MultiLayerNetwork network() {
    return networks.get(0);
  }

  /**
   * Lets all replicas work at once and waits for all.
   *
   * <p>Random numbers are a function of the state of the caller's generator and of the number of
   * replicas, whatever thread runs first.
   *
   * @return what they return, by rank
   */
  public <T> List<T> each(Work<T> work) {
    var others = new ArrayList<Callable<T>>();
    if (count() > 1) {
      var seeds = new SplittableRandom(Nd4j.getRandom().nextLong());
      for (int rank = 1; rank < count(); rank++) {
        others.add(onThread(work, rank, seeds.nextLong()));
      }
    }
    return together(() -> work.on(network(), 0), others);
  }

  /**
   * Lets their threads do other work at once, which must not touch what a replica computes with,
   * and waits for all.
   *
   * @param work takes the thread's number, from 0, the caller's
   */
  void together(IntConsumer work) {
    var others = new ArrayList<Callable<Void>>();
    for (int thread = 1; thread < count(); thread++) {
      int number = thread;
      others.add(
          () -> {
            work.accept(number);
            return null;
          });
    }
    together(
        () -> {
          work.accept(0);
          return null;
        },
        others);
  }

  private <T> List<T> together(Supplier<T> first, List<Callable<T>> others) {
    var running = new ArrayList<Future<T>>();
    for (int rank = 1; rank <= others.size(); rank++) {
      running.add(threads.get(rank - 1).submit(others.get(rank - 1)));
    }
    var results = new ArrayList<T>();
    // an Error too, out of memory say, leaves only after all: what they compute on is freed then
    Throwable failure = null;
    try {
      results.add(first.get());
    } catch (RuntimeException | Error e) {
      failure = e;
    }
    for (Future<T> each : running) {
      try {
        results.add(each.get());
      } catch (ExecutionException e) {
        failure = failure == null ? e.getCause() : failure;
      } catch (InterruptedException e) {
        abandoned = true;
        close();
        Thread.currentThread().interrupt();
        throw new IllegalStateException("Interrupted while replicas were computing", e);
      }
    }
    if (failure != null) {
      throw unchecked(failure);
    }
    return results;
  }

  private <T> Callable<T> onThread(Work<T> work, int rank, long seed) {
    MultiLayerNetwork first = network();
    MultiLayerNetwork replica = networks.get(rank);
    int iteration = first.getIterationCount();
    int epoch = first.getEpochCount();
    Device device = Device.current();
    return () -> {
      Nd4j.getRandom().setSeed(seed);
      replica.getLayerWiseConfigurations().setIterationCount(iteration);
      replica.getLayerWiseConfigurations().setEpochCount(epoch);
      try (Device.Bound bound = device.bind()) {
        return work.on(replica, rank);
      }
    };
  }

  private static RuntimeException unchecked(Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    return failure instanceof RuntimeException unchecked
        ? unchecked
        : new IllegalStateException(failure);
  }

  /**
   * Ends the threads and frees what the kernels of all replicas hold. The network stays as it is.
   */
  @Override
  public void close() {
    threads.forEach(ExecutorService::shutdownNow);
    if (!abandoned) {
      networks.forEach(KernelMemory::free);
    }
  }
}
