package io.sluice.recurrent.optim;

import io.sluice.recurrent.layer.CarriedStates;
import java.util.Arrays;
import java.util.stream.LongStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Examples that one process trains on in one step.
 *
 * @param features (B, I, T); null where there are none
 * @param featuresMask (B, T), 1 where a sequence has a step; null where all have all
 * @param labels as the network's output layer wants them
 * @param labelsMask which labels count; null is all
 * @param keys (B): what tells each example of each epoch from all others, a mix of seed, epoch and
 *     place in the epoch; dropout's masks follow from it
 * @param states of B sequences that go on where the batch before ended; null where they begin
 */
public record Batch(
    INDArray features,
    INDArray featuresMask,
    INDArray labels,
    INDArray labelsMask,
    long[] keys,
    CarriedStates states) {
  public Batch {
    long examples = features == null ? 0 : features.size(0);
    if (keys.length != examples) {
      throw new IllegalArgumentException(
          "keys has length %d, expected one an example, %d".formatted(keys.length, examples));
    }
    if (states != null && states.sequences() != examples) {
      throw new IllegalArgumentException(
          "states are of %d sequences, expected one an example, %d"
              .formatted(states.sequences(), examples));
    }
  }

  /** Sequences that begin. */
  public Batch(
      INDArray features, INDArray featuresMask, INDArray labels, INDArray labelsMask, long[] keys) {
    this(features, featuresMask, labels, labelsMask, keys, null);
  }

  /** Sequences of equal length. */
  public Batch(INDArray features, INDArray labels, INDArray labelsMask, long[] keys) {
    this(features, null, labels, labelsMask, keys);
  }

  /** Examples told apart by their place in the batch, where no other process has a part of it. */
  public Batch(INDArray features, INDArray labels, INDArray labelsMask) {
    this(features, labels, labelsMask, LongStream.range(0, features.size(0)).toArray());
  }

  /** The part of a rank that has no examples left. */
  public static Batch empty() {
    return new Batch(null, null, null, new long[0]);
  }

  /** The same, going on from states. */
  public Batch from(CarriedStates carried) {
    return new Batch(features, featuresMask, labels, labelsMask, keys, carried);
  }

  /** B. */
  public int size() {
    return keys.length;
  }

  /** One of {@code parts} whose sizes differ by 1 at most, the larger ones first. */
  public Batch part(int part, int parts) {
    int from = start(size(), part, parts);
    int to = start(size(), part + 1, parts);
    return to - from == size()
        ? this
        : new Batch(
            rows(features, from, to),
            rows(featuresMask, from, to),
            rows(labels, from, to),
            rows(labelsMask, from, to),
            Arrays.copyOfRange(keys, from, to),
            states == null ? null : states.rows(from, to));
  }

  /** The same without the time steps that none of its sequences has, where each has one label. */
  public Batch trimmed() {
    if (featuresMask == null || labels.rank() > 2) {
      return this;
    }
    long longest = longest(featuresMask);
    if (longest == featuresMask.size(1)) {
      return this;
    }
    var steps = NDArrayIndex.interval(0, longest);
    return new Batch(
        features.get(NDArrayIndex.all(), NDArrayIndex.all(), steps),
        featuresMask.get(NDArrayIndex.all(), steps),
        labels,
        labelsMask,
        keys,
        states);
  }

  /** Steps up to the last that any sequence has, at least 1. */
  private static long longest(INDArray mask) {
    int T = (int) mask.size(1);
    float[] real = mask.dup('c').data().asFloat();
    int longest = 1;
    for (int start = 0; start < real.length; start += T) {
      for (int t = T - 1; t >= longest; t--) {
        if (real[start + t] != 0) {
          longest = t + 1;
        }
      }
    }
    return longest;
  }

  /** Examples before a {@link #part} of a batch of so many. */
  public static int start(int size, int part, int parts) {
    return part * (size / parts) + Math.min(part, size % parts);
  }

  /** Rows [from, to) of an array with one row an example; null of null and of no rows. */
  private static INDArray rows(INDArray array, int from, int to) {
    if (array == null || from == to) {
      return null;
    }
    var index = new INDArrayIndex[array.rank()];
    Arrays.fill(index, NDArrayIndex.all());
    index[0] = NDArrayIndex.interval(from, to);
    return array.get(index);
  }

  /**
   * Whether the mask is one number for several outputs of the only example. DL4J takes any mask of
   * one row for one an output, which its cross-entropy refuses.
   */
  boolean isOneWithOneMask() {
    return labelsMask != null && labelsMask.length() == 1 && labels.length() > 1;
  }

  /** Whether the only example's only mask says that its labels do not count. */
  boolean hasNoLabel() {
    return isOneWithOneMask() && labelsMask.getDouble(0) == 0;
  }
}
