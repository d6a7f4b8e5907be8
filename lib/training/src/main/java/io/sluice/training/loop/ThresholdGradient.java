package io.sluice.training.loop;

import io.sluice.training.allreduce.AllReduce;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Threshold encoding with a residual: of a step's gradient only large numbers are sent, as a place
 * and a sign, and the rest is kept for the steps that follow.
 *
 * <pre>{@code
 * on each rank      residual += own gradient / B
 *                   sent      = ±threshold where |residual| ≥ threshold, else 0
 *                   residual -= sent
 * on all            gradient  = B · Σ in the order of ranks (sent)
 * }</pre>
 *
 * <p>All ranks decode the same messages in the same order, so they come to the same bits. Each rank
 * has thresholds of its own, which travel with the messages. They are in units of the mean gradient
 * over the whole batch, so a short last batch of an epoch has no other weight in the residual.
 *
 * <p><b>Threshold.</b> Either the one that was set, or, in each step anew, the magnitude that the
 * wanted share of the residual's numbers reach. It is chosen for each range by itself, so that
 * ranges are encoded as they become ready and travel while lower layers are computed; and gradients
 * of lower layers, often smaller by a factor, are sent as often as others. Short ranges are summed
 * as they are.
 *
 * <p><b>Nothing is lost</b>: what was sent and the residual together are the sum of the gradients,
 * to float32 rounding. Before a checkpoint, and at the end of an epoch, the residuals are
 * all-reduced and join the step: a checkpoint then has all there is, and a run that goes on from it
 * equals the one that was never stopped, to the bit, as long as both save at the same steps ({@code
 * checkpoint.every-steps}, {@code every-epochs}; a clock or a request to stop is no such thing).
 * Thresholds have no memory for the same reason.
 *
 * <p><b>Bytes.</b> With a share d of the numbers sent, each rank sends about 4·d·(R−1) bytes a
 * number, against 8·(R−1)/R of a sum in float32: less as long as d < 2/R.
 *
 * <p><b>What is not finite</b> is never sent, and would stay in the residual unseen. The rank
 * reports NaN as its loss then.
 *
 * <p><b>Source.</b> Strom, "Scalable distributed DNN training using commodity GPU cloud computing",
 * Interspeech 2015. A threshold by share: Dryden, Moon, Jacobs and Van Essen, "Communication
 * quantization for data-parallel training of deep neural networks", MLHPC 2016.
 *
 * <p><b>Considered:</b> DL4J's {@code AdaptiveThresholdAlgorithm}. It moves by 3.5 % a step towards
 * a range of shares, so a threshold that begins too high by a factor of 1000 takes 200 steps, at
 * the start and after each checkpoint unless it were saved there. {@code
 * ResidualClippingPostProcessor} drops what is above five thresholds; with a threshold that follows
 * the residual nothing grows without end.
 */
final class ThresholdGradient extends SharedGradient {
  /** Shorter ranges are summed: a list of a few of their numbers would save nothing. */
  static final int LEAST = 1024;

  /** A range of the gradient, in the order of the first step. */
  private static final class Bucket {
    final INDArray gradient;
    final INDArray residual;
    AllReduce.Gathering gathering;

    Bucket(INDArray gradient) {
      this.gradient = gradient;
      this.residual = Nd4j.zeros(gradient.dataType(), gradient.length());
    }
  }

  private final ThresholdEncoding encoding;
  private final Map<Long, Bucket> buckets = new HashMap<>();
  private final List<Bucket> underWay = new ArrayList<>();
  private final List<AllReduce.Pending> sums = new ArrayList<>();
  private boolean isFinite = true;

  ThresholdGradient(
      AllReduce ranks, Duration deadline, BooleanSupplier stopAsked, ThresholdSettings settings) {
    super(ranks, deadline, stopAsked);
    this.encoding = new ThresholdEncoding(settings);
  }

  @Override
  public void ready(INDArray gradient, long from, long to) {
    if (to - from < LEAST) {
      sums.add(ranks().sum(bytes(gradient, from, to)));
      return;
    }
    Bucket bucket =
        buckets.computeIfAbsent(
            from, at -> new Bucket(gradient.get(NDArrayIndex.interval(from, to))));
    bucket.residual.addi(bucket.gradient.muli(1.0 / examples()));
    isFinite &= Double.isFinite(bucket.residual.sumNumber().doubleValue());
    bucket.gathering =
        ranks().gather(encoding.encode(bucket.residual), ThresholdEncoding.maxBytes(to - from));
    underWay.add(bucket);
  }

  @Override
  boolean collect() throws InterruptedException {
    for (Bucket bucket : underWay) {
      bucket.gathering.await(deadline());
      bucket.gradient.assign(0);
      for (var message : bucket.gathering.messages()) {
        ThresholdEncoding.decode(message, bucket.gradient);
      }
      bucket.gradient.muli(examples());
    }
    for (AllReduce.Pending each : sums) {
      each.await(deadline());
    }
    return isFinite;
  }

  @Override
  boolean collectRest() throws InterruptedException {
    var rest = new ArrayList<AllReduce.Pending>();
    for (Bucket bucket : underWay) {
      rest.add(ranks().sum(bytes(bucket.residual, 0, bucket.residual.length())));
    }
    for (int i = 0; i < rest.size(); i++) {
      rest.get(i).await(deadline());
      Bucket bucket = underWay.get(i);
      bucket.gradient.addi(bucket.residual.muli(examples()));
      bucket.residual.assign(0);
    }
    return true;
  }

  @Override
  boolean holdsNothing() {
    return buckets.isEmpty();
  }

  @Override
  void end() {
    underWay.clear();
    sums.clear();
  }
}
