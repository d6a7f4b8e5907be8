package io.sluice.training.loop;

import io.sluice.recurrent.dropout.ExampleKeys;
import io.sluice.recurrent.optim.Batch;
import java.util.stream.LongStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.DataSet;

/**
 * A rank's part of a batch, as a network takes it.
 *
 * @param data inputs, labels, which steps there are and which labels count; null where the rank has
 *     no example
 * @param positions (B) of the examples in the order of the epoch over all ranks
 * @param globalSize examples that all ranks have in this step
 * @param targets of each example, which its loss is a mean over: its tokens in a stream, else 1
 * @param rateFactor of the learning rate of this step; 1 unless streams are cut shorter or longer
 *     than usual, as at the end of an epoch, so that each token counts as much
 */
public record ExampleBatch(
    DataSet data, long[] positions, int globalSize, int targets, double rateFactor) {
  /** Examples with one loss each. */
  public ExampleBatch(DataSet data, long[] positions, int globalSize) {
    this(data, positions, globalSize, 1, 1);
  }

  /** B, examples of this rank; may be 0. */
  public int size() {
    return positions.length;
  }

  /** Targets of all ranks' examples. */
  long globalTargets() {
    return (long) globalSize * targets;
  }

  /** Targets of this rank's examples. */
  long ownTargets() {
    return (long) size() * targets;
  }

  /**
   * To learn from: each example with the key that its dropout follows from.
   *
   * @param epoch from 0
   */
  public Batch keyed(long seed, int epoch) {
    if (size() == 0) {
      return Batch.empty();
    }
    var keys = new long[size()];
    for (int b = 0; b < keys.length; b++) {
      keys[b] = ExampleKeys.of(seed, epoch, positions[b]);
    }
    return batch(keys);
  }

  /** To be judged by, where nothing is dropped. */
  public Batch unkeyed() {
    return batch(LongStream.range(0, size()).toArray());
  }

  private Batch batch(long[] keys) {
    return new Batch(
        data.getFeatures(),
        data.getFeaturesMaskArray(),
        data.getLabels(),
        data.getLabelsMaskArray(),
        keys);
  }

  /**
   * The mean loss of at least one example, without dropout, in as many forward passes as it takes.
   *
   * @param mostSteps time steps of a pass, filling included; one example may have more
   */
  double loss(MultiLayerNetwork network, long mostSteps) {
    long steps = size() * data.getFeatures().size(2);
    int passes = (int) Math.min(size(), (steps - 1) / mostSteps + 1);
    if (passes == 1) {
      return network.score(data, false);
    }
    Batch all = unkeyed();
    double sum = 0;
    for (int pass = 0; pass < passes; pass++) {
      Batch some = all.part(pass, passes).trimmed();
      var examples =
          new DataSet(some.features(), some.labels(), some.featuresMask(), some.labelsMask());
      sum += some.size() * network.score(examples, false);
    }
    return sum / size();
  }
}
