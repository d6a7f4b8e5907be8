package io.sluice.recurrent.optim;

import io.sluice.recurrent.layer.InputGradient;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.regularization.Regularization;

/**
 * One training step of a network: gradient of the batch's mean loss, clipping to a global norm,
 * optimizer, weight decay, parameters.
 *
 * <p>It computes what {@code MultiLayerNetwork.fit} computes, from the same optimizer state, and
 * leaves out what goes on around it there: with two LSTM layers of 64 units, B = 32 and T = 50,
 * {@code fit} spends some 14 % of its time visiting each parameter for regularisation that it does
 * not have. The network's configuration must be one block, see {@link
 * GlobalNormClipping#requireOneBlock}.
 *
 * <p>The gradient of the input of the first layer, which {@code fit} computes and throws away, is
 * left out.
 *
 * <p>A batch of B examples may be cut: by {@link Replicas}, which compute at once, and each share
 * by micro-batches, which compute one after the other and need the memory of one. With R replicas
 * and M micro-batches:
 *
 * <pre>{@code
 * g = (1/B) · Σ over shares r < R, Σ over micro-batches m < M:  ∂(sum of losses of (r, m)) / ∂w
 * }</pre>
 *
 * <p>DL4J's gradients are such sums over examples (masked or not: a loss at every step is a sum
 * over its known steps), so each example weighs the same however uneven the cuts are, and the step
 * is that on the whole batch up to the order of float32 sums. Dropout draws other masks.
 */
public final class TrainingStep {
  /** A parameter with a regularisation of its own. */
  private record Decayed(INDArray parameter, INDArray gradient, List<Regularization> rules) {}

  /** Examples [from, to) of a batch. */
  private record Range(long from, long to) {
    long size() {
      return to - from;
    }

    /** One of {@code parts} whose sizes differ by 1 at most, the larger ones first. */
    Range part(int part, int parts) {
      return new Range(start(part, parts), start(part + 1, parts));
    }

    private long start(int part, int parts) {
      return from + part * (size() / parts) + Math.min(part, size() % parts);
    }

    /** These examples of an array with one row an example; null of null. */
    INDArray of(INDArray array) {
      if (array == null || array.size(0) == size()) {
        return array;
      }
      var index = new INDArrayIndex[array.rank()];
      Arrays.fill(index, NDArrayIndex.all());
      index[0] = NDArrayIndex.interval(from, to);
      return array.get(index);
    }
  }

  /**
   * @param features (B, I, T)
   * @param labels as the network's output layer wants them
   * @param labelsMask which labels count; null is all
   */
  private record Batch(INDArray features, INDArray labels, INDArray labelsMask) {
    Range range() {
      return new Range(0, features.size(0));
    }

    Batch part(Range range) {
      return new Batch(range.of(features), range.of(labels), range.of(labelsMask));
    }

    /**
     * Whether the mask is one number for several outputs of the only example. DL4J takes any mask
     * of one row for one an output, which its cross-entropy refuses.
     */
    boolean isOneWithOneMask() {
      return labelsMask != null && labelsMask.length() == 1 && labels.length() > 1;
    }
  }

  private final Replicas replicas;
  private final int microBatches;
  private final MultiLayerNetwork network;
  private final INDArray parameters;
  private final INDArray gradient;
  private final List<INDArray> gradients;
  private final INDArray[] sums;
  private final GradientUpdater<?> updater;
  private final List<Decayed> decayed;

  /** Whole batches on the calling thread. */
  public TrainingStep(MultiLayerNetwork network) {
    this(new Replicas(network, 1), 1);
  }

  /**
   * @param replicas of a network with {@link GlobalNormClipping} as the optimizer of every layer;
   *     trained in place. Closing them is the caller's.
   * @param microBatches that a replica's share of a batch is cut into, at least 1; fewer where it
   *     has fewer examples
   */
  public TrainingStep(Replicas replicas, int microBatches) {
    if (microBatches < 1) {
      throw new IllegalArgumentException(
          "microBatches is %d, must be at least 1".formatted(microBatches));
    }
    this.replicas = replicas;
    this.microBatches = microBatches;
    this.network = replicas.network();
    this.updater = GlobalNormClipping.block(network).getGradientUpdater();
    this.parameters = network.params().reshape(network.numParams());
    this.gradients = replicas.each((replica, rank) -> gradient(replica));
    this.gradient = gradients.get(0);
    this.sums = new INDArray[replicas.count()];
    this.decayed = decayed();
  }

  /**
   * Trains on one batch.
   *
   * @param features (B, I, T)
   * @param labels as the network's output layer wants them
   * @param labelsMask which labels count; null is all
   * @return the loss before the step, with what regularisation adds to it
   */
  public double run(INDArray features, INDArray labels, INDArray labelsMask) {
    int iteration = network.getIterationCount();
    int epoch = network.getEpochCount();
    var batch = new Batch(features, labels, labelsMask);
    List<Double> losses = replicas.each((replica, rank) -> share(replica, rank, batch));
    long examples = batch.range().size();
    addGradients((int) Math.min(examples, replicas.count()));
    gradient.muli(1.0 / examples);
    step(Regularization.ApplyStep.BEFORE_UPDATER, iteration, epoch);
    updater.applyUpdater(gradient, iteration, epoch);
    step(Regularization.ApplyStep.POST_UPDATER, iteration, epoch);
    parameters.subi(gradient);
    network.applyConstraints(iteration, epoch);
    network.getLayerWiseConfigurations().setIterationCount(iteration + 1);
    double loss = 0;
    for (double each : losses) {
      loss += each;
    }
    network.setScore(loss);
    return loss;
  }

  /**
   * Leaves the sum of its examples' gradients in a replica's own gradient array.
   *
   * @return its part of the batch's mean loss
   */
  private double share(MultiLayerNetwork replica, int rank, Batch batch) {
    Range mine = batch.range().part(rank, replicas.count());
    int parts = (int) Math.min(microBatches, mine.size());
    INDArray own = gradients.get(rank);
    double loss = 0;
    for (int m = 0; m < parts; m++) {
      Range examples = mine.part(m, parts);
      double mean = gradientAndLoss(replica, own, batch.part(examples));
      loss += mean * ((double) examples.size() / batch.range().size());
      if (m > 0) {
        own.addi(sums[rank]);
      }
      if (m < parts - 1) {
        sums[rank] = sums[rank] == null ? own.dup() : sums[rank].assign(own);
      }
    }
    return loss;
  }

  private static double gradientAndLoss(MultiLayerNetwork replica, INDArray gradient, Batch batch) {
    boolean masked = batch.labelsMask != null && !batch.isOneWithOneMask();
    replica.setInput(batch.features);
    replica.setLabels(batch.labels);
    if (masked) {
      replica.setLayerMaskArrays(null, batch.labelsMask);
    }
    wantInputGradient(replica, false);
    replica.computeGradientAndScore();
    wantInputGradient(replica, true);
    double loss = replica.score();
    if (batch.isOneWithOneMask() && batch.labelsMask.getDouble(0) == 0) {
      gradient.assign(0);
      loss = replica.calcRegularizationScore(true);
    }
    replica.clearLayerMaskArrays();
    replica.clearLayersStates();
    return loss;
  }

  private static void wantInputGradient(MultiLayerNetwork network, boolean wanted) {
    if (network.getLayer(0) instanceof InputGradient layer) {
      layer.inputGradient(wanted);
    }
  }

  /** Adds the gradients of the first {@code shares} replicas in the network's own array. */
  private void addGradients(int shares) {
    for (INDArray each : gradients.subList(1, shares)) {
      gradient.addi(each);
    }
  }

  /** Where a network leaves its gradient (P). */
  private static INDArray gradient(MultiLayerNetwork network) {
    if (network.getFlattenedGradients() == null) {
      network.initGradientsView();
    }
    return network.getFlattenedGradients().reshape(network.numParams());
  }

  private void step(Regularization.ApplyStep when, int iteration, int epoch) {
    for (Decayed each : decayed) {
      for (Regularization rule : each.rules) {
        if (rule.applyStep() == when) {
          double rate = updater.getConfig().getLearningRate(iteration, epoch);
          rule.apply(each.parameter, each.gradient, rate, iteration, epoch);
        }
      }
    }
  }

  private List<Decayed> decayed() {
    var decayed = new ArrayList<Decayed>();
    for (UpdaterBlock.ParamState each :
        GlobalNormClipping.block(network).getLayersAndVariablesInBlock()) {
      List<Regularization> rules =
          each.getLayer().getConfig().getRegularizationByParam(each.getParamName());
      if (rules != null && !rules.isEmpty()) {
        var part = NDArrayIndex.interval(each.getParamOffsetStart(), each.getParamOffsetEnd());
        decayed.add(new Decayed(parameters.get(part), gradient.get(part), List.copyOf(rules)));
      }
    }
    return decayed;
  }
}
