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
 * the network down, each handed on as soon as the last replica has it; with nobody to hand it to,
 * in the end, by all replicas' threads.
 *
 * <pre>{@code
 * sum = Σ in the order of replicas (Σ in the order of micro-batches (gradient))
 * }</pre>
 *
 * <p>A bucket is one layer, or neighbours until they have so many numbers together ({@link
 * GradientExchange#LEAST} in a run; with nobody to hand them to all are one), and goes out when the
 * backward pass of a layer below has begun. The buckets follow from the network alone, so all ranks
 * have the same. What is left at the bottom goes out last in any case, so it stays a bucket of its
 * own however small. So do the rows of an embedding, of which only those that are touched are
 * added; over micro-batches the embedding adds them itself.
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
   * @param gradients of each replica of the network; the sum is left in the first
   * @param exchange takes the sum; null is nobody
   * @param least numbers of a bucket
   */
  GradientSum(
      MultiLayerNetwork network,
      List<FlatGradient> gradients,
      GradientExchange exchange,
      long least) {
    this.exchange = exchange;
    cut(network, gradients.get(0).rowNumbers(), least);
    for (FlatGradient each : gradients) {
      parts.add(new Part(each));
    }
    arrived = new AtomicInteger[starts.size()];
    for (int bucket = 0; bucket < arrived.length; bucket++) {
      arrived[bucket] = new AtomicInteger();
    }
  }

  private void cut(MultiLayerNetwork network, long rows, long least) {
    Layer[] layers = network.getLayers();
    long end = network.numParams();
    long start = end;
    for (int l = layers.length - 1; l >= 0; l--) {
      start -= layers[l].numParams();
      if (end > start && (end - start >= least || start == rows || start == 0)) {
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
    return bucket == 0 ? whole().length() : starts.get(bucket - 1);
  }

  private boolean isRows(int bucket) {
    return end(bucket) == parts.get(0).flat.rowNumbers();
  }

  /** The whole sum, once all have finished. */
  INDArray whole() {
    return parts.get(0).flat.whole();
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
      parts.get(0).flat.zeroRows();
      parts.get(0).flat.others().assign(0);
      for (int bucket = 0; exchange != null && bucket < arrived.length; bucket++) {
        handOn(bucket);
      }
    }
  }

  /** Where there is nobody to hand the sum to: adds it up, once all have finished. */
  void addUp(Sections sections) {
    for (Part each : parts.subList(Math.min(1, sharing), sharing)) {
      parts.get(0).flat.addRows(each.flat, sections);
      ArrayWork.add(parts.get(0).others, each.others, null, sections);
    }
  }

  Part part(int replica) {
    return parts.get(replica);
  }

  private void handOn(int bucket) {
    FlatGradient flat = parts.get(0).flat;
    if (isRows(bucket) && flat.knowsRanges()) {
      exchange.ready(whole(), flat.rows(), flat.touched());
    } else {
      exchange.ready(whole(), starts.get(bucket), end(bucket));
    }
  }

  /** One replica's. Used by its thread alone. */
  final class Part implements TrainingPass.Backward {
    private final FlatGradient flat;

    /** What follows the rows. */
    private final INDArray others;

    /** Those of the others. */
    private final List<INDArray> buckets;

    /** The others, of the micro-batches that came before; null before there was a second one. */
    private INDArray before;

    private List<INDArray> beforeBuckets;
    private boolean hasBefore;
    private int next;

    Part(FlatGradient flat) {
      this.flat = flat;
      this.others = flat.others();
      this.buckets = views(others);
    }

    /** By bucket; the rows' has none. */
    private List<INDArray> views(INDArray array) {
      var views = new ArrayList<INDArray>();
      long skipped = flat.rowNumbers();
      long end = skipped + array.length();
      for (long start : starts) {
        if (end > skipped) {
          views.add(
              end - start == array.length()
                  ? array
                  : array.get(NDArrayIndex.interval(start - skipped, end - skipped)));
        }
        end = start;
      }
      return views;
    }

    /** Before the first micro-batch. */
    void begin() {
      hasBefore = false;
      next = 0;
      flat.zeroRows();
    }

    /** After any micro-batch but the last. */
    void keep() {
      if (hasBefore) {
        before.addi(others);
        return;
      }
      hasBefore = true;
      if (before == null) {
        before = others.dup();
        beforeBuckets = views(before);
      } else {
        before.assign(others);
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
      boolean rows = isRows(bucket);
      if (hasBefore && !rows) {
        buckets.get(bucket).addi(beforeBuckets.get(bucket));
      }
      // whoever comes last: all others are past this bucket and will not touch it again
      if (exchange != null && arrived[bucket].incrementAndGet() == sharing) {
        for (Part each : parts.subList(1, sharing)) {
          if (rows) {
            parts.get(0).flat.addRows(each.flat, Sections.ALONE);
          } else {
            parts.get(0).buckets.get(bucket).addi(each.buckets.get(bucket));
          }
        }
        handOn(bucket);
      }
    }
  }
}
