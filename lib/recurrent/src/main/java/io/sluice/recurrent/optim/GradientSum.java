package io.sluice.recurrent.optim;

import io.sluice.recurrent.pass.TrainingPass;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The sum of a step's gradient over micro-batches and replicas, bucket by bucket from the top of
 * the network down, each handed on as soon as the last replica has it.
 *
 * <pre>{@code
 * sum = Σ in the order of replicas (Σ in the order of micro-batches (gradient))
 * }</pre>
 *
 * <p>A bucket is one layer, or neighbours until they have so many numbers together ({@link
 * GradientExchange#LEAST} in a run; with nobody to hand them to all are one), and goes out when the
 * backward pass of a layer below has begun. The buckets follow from the network alone, so all ranks
 * have the same. What is left at the bottom goes out last in any case, so it stays a bucket of its
 * own however small.
 */
final class GradientSum {
  private final GradientExchange exchange;

  /** By bucket: its first number, and the lowest layer that has a part in it. */
  private final List<Long> starts = new ArrayList<>();

  private final List<Integer> lowest = new ArrayList<>();

  /** By replica. */
  private final List<Part> parts = new ArrayList<>();

  /** By bucket: replicas that have it. */
  private final AtomicInteger[] arrived;

  private int sharing;

  /**
   * @param gradients (P) of each replica of the network; the sum is left in the first
   * @param exchange takes the sum; null is nobody
   * @param least numbers of a bucket
   */
  GradientSum(
      MultiLayerNetwork network, List<INDArray> gradients, GradientExchange exchange, long least) {
    this.exchange = exchange;
    cut(network, least);
    for (INDArray each : gradients) {
      parts.add(new Part(each));
    }
    arrived = new AtomicInteger[starts.size()];
    for (int bucket = 0; bucket < arrived.length; bucket++) {
      arrived[bucket] = new AtomicInteger();
    }
  }

  private void cut(MultiLayerNetwork network, long least) {
    Layer[] layers = network.getLayers();
    long end = network.numParams();
    long start = end;
    for (int l = layers.length - 1; l >= 0; l--) {
      start -= layers[l].numParams();
      if (end - start >= least || start == 0) {
        starts.add(start);
        lowest.add(l);
        end = start;
      }
      if (start == 0) {
        return;
      }
    }
  }

  private long end(int bucket) {
    return bucket == 0 ? parts.get(0).whole.length() : starts.get(bucket - 1);
  }

  /** The whole sum, once all have finished. */
  INDArray whole() {
    return parts.get(0).whole;
  }

  /**
   * Begins a step.
   *
   * @param sharing replicas that have examples, the first ones; if none, the sum is zero
   */
  void begin(int sharing) {
    this.sharing = sharing;
    for (AtomicInteger each : arrived) {
      each.set(0);
    }
    if (sharing == 0) {
      whole().assign(0);
      for (int bucket = 0; bucket < arrived.length; bucket++) {
        handOn(bucket);
      }
    }
  }

  Part part(int replica) {
    return parts.get(replica);
  }

  private void handOn(int bucket) {
    if (exchange != null) {
      exchange.ready(whole(), starts.get(bucket), end(bucket));
    }
  }

  /** One replica's. Used by its thread alone. */
  final class Part implements TrainingPass.Backward {
    private final INDArray whole;
    private final List<INDArray> buckets = new ArrayList<>();

    /** Of the micro-batches that came before; null before there was a second one. */
    private INDArray before;

    private final List<INDArray> beforeBuckets = new ArrayList<>();
    private boolean hasBefore;
    private int next;

    Part(INDArray whole) {
      this.whole = whole;
      for (int bucket = 0; bucket < starts.size(); bucket++) {
        buckets.add(view(whole, bucket));
      }
    }

    private INDArray view(INDArray array, int bucket) {
      long from = starts.get(bucket);
      long to = bucket == 0 ? array.length() : starts.get(bucket - 1);
      return to - from == array.length() ? array : array.get(NDArrayIndex.interval(from, to));
    }

    /** Where the replica leaves a gradient. */
    INDArray whole() {
      return whole;
    }

    /** Before the first micro-batch. */
    void begin() {
      hasBefore = false;
      next = 0;
    }

    /** After any micro-batch but the last. */
    void keep() {
      if (hasBefore) {
        before.addi(whole);
        return;
      }
      hasBefore = true;
      if (before == null) {
        before = whole.dup();
        for (int bucket = 0; bucket < starts.size(); bucket++) {
          beforeBuckets.add(view(before, bucket));
        }
      } else {
        before.assign(whole);
      }
    }

    /** In the last micro-batch: layers above are final. */
    @Override
    public void begins(int layer) {
      while (next < lowest.size() && lowest.get(next) > layer) {
        arrive();
      }
    }

    /** After the last micro-batch. */
    void finish() {
      begins(-1);
    }

    private void arrive() {
      int bucket = next++;
      if (hasBefore) {
        buckets.get(bucket).addi(beforeBuckets.get(bucket));
      }
      // whoever comes last: all others are past this bucket and will not touch it again
      if (arrived[bucket].incrementAndGet() == sharing) {
        INDArray sum = parts.get(0).buckets.get(bucket);
        for (Part each : parts.subList(1, sharing)) {
          sum.addi(each.buckets.get(bucket));
        }
        handOn(bucket);
      }
    }
  }
}
