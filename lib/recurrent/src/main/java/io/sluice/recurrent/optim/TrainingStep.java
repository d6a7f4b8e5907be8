package io.sluice.recurrent.optim;

import io.sluice.recurrent.layer.HalfPrecision;
import io.sluice.recurrent.layer.InputGradient;
import io.sluice.recurrent.layer.StackedPass;
import io.sluice.recurrent.pass.TrainingPass;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.nd4j.linalg.api.ndarray.INDArray;
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
 * <p>A batch of B examples may be cut: over processes, whose {@link GradientExchange} adds their
 * gradients; in each by {@link Replicas}, which compute at once; and each share by micro-batches,
 * which compute one after the other and need the memory of one. With R replicas in all and M
 * micro-batches:
 *
 * <pre>{@code
 * g = (1/B) · Σ over shares r < R, Σ over micro-batches m < M:  ∂(sum of losses of (r, m)) / ∂w
 * }</pre>
 *
 * <p>DL4J's gradients are such sums over examples (masked or not: a loss at every step is a sum
 * over its known steps), so each example weighs the same however uneven the cuts are, and the step
 * is that on the whole batch up to the order of float32 sums, which is the same each time. What our
 * dropout drops follows from an example's key and the step ({@code recurrent.dropout}), so that is
 * no matter of the cut either.
 *
 * <p>A network with layers in half precision has a {@link LossScale}. Where it lets a gradient
 * overflow, which shows in the sum over all processes and so in all of them, the step is left out:
 * parameters and optimizer state stay, only its number passes.
 */
public final class TrainingStep {
  /** A parameter with a regularisation of its own. */
  private record Decayed(INDArray parameter, INDArray gradient, List<Regularization> rules) {}

  private final Replicas replicas;
  private final int microBatches;
  private final MultiLayerNetwork network;
  private final INDArray parameters;
  private final INDArray gradient;
  private final GradientSum sum;
  private final GradientExchange exchange;
  private final GradientUpdater<?> updater;
  private final List<Decayed> decayed;

  /** Null in a network without half precision. */
  private LossScale lossScale;

  private boolean leftOut;

  /** Whole batches on the calling thread. */
  public TrainingStep(MultiLayerNetwork network) {
    this(new Replicas(network, 1), 1);
  }

  /** Whole batches in this process. */
  public TrainingStep(Replicas replicas, int microBatches) {
    this(replicas, microBatches, null);
  }

  /**
   * @param replicas of a network with {@link GlobalNormClipping} as the optimizer of every layer;
   *     trained in place. Closing them is the caller's.
   * @param microBatches that a replica's share of a batch is cut into, at least 1; fewer where it
   *     has fewer examples
   * @param exchange with the other processes that have a share in each batch; null if there are
   *     none
   */
  public TrainingStep(Replicas replicas, int microBatches, GradientExchange exchange) {
    this(replicas, microBatches, exchange, GradientSum.LEAST);
  }

  /**
   * @param leastBucket numbers of the smallest part of the gradient that is exchanged by itself
   */
  TrainingStep(Replicas replicas, int microBatches, GradientExchange exchange, long leastBucket) {
    if (microBatches < 1) {
      throw new IllegalArgumentException(
          "microBatches is %d, must be at least 1".formatted(microBatches));
    }
    this.replicas = replicas;
    this.microBatches = microBatches;
    this.exchange = exchange;
    this.network = replicas.network();
    this.updater = GlobalNormClipping.block(network).getGradientUpdater();
    this.parameters = network.params().reshape(network.numParams());
    this.sum =
        new GradientSum(
            network,
            replicas.each((replica, rank) -> gradient(replica)),
            exchange,
            exchange == null ? Long.MAX_VALUE : leastBucket);
    this.gradient = sum.whole();
    this.decayed = decayed();
    this.lossScale = HalfPrecision.isIn(network) ? LossScale.FIRST : null;
  }

  /** That of the next step; empty in a network without half precision. */
  public Optional<LossScale> lossScale() {
    return Optional.ofNullable(lossScale);
  }

  /** Goes on where another left off. */
  public void setLossScale(LossScale scale) {
    if (lossScale != null) {
      lossScale = scale;
    }
  }

  /** Whether the last step was left out because its gradient is not finite in half precision. */
  public boolean wasLeftOut() {
    return leftOut;
  }

  /**
   * Trains on a batch that is this process's alone.
   *
   * @return the loss before the step, with what regularisation adds to it
   */
  public double run(Batch batch) {
    return run(batch, batch.size());
  }

  /**
   * Trains on a batch that several processes share.
   *
   * @param own this process's examples of it; may be none
   * @param examples B of the whole batch, the same in all
   * @return the loss of the whole batch before the step, with what regularisation adds to it
   */
  public double run(Batch own, long examples) {
    if (examples < Math.max(1, own.size()) || exchange == null && examples > own.size()) {
      throw new IllegalArgumentException(
          "examples is %d with %d of this process, must be %s"
              .formatted(
                  examples,
                  own.size(),
                  examples > own.size()
                      ? "%d: there is no exchange".formatted(own.size())
                      : "at least %d".formatted(Math.max(1, own.size()))));
    }
    int iteration = network.getIterationCount();
    int epoch = network.getEpochCount();
    double loss = sumOverRanks(own, examples);
    gradient.muli(1.0 / examples);
    leftOut = !allowsGradient();
    if (!leftOut) {
      step(Regularization.ApplyStep.BEFORE_UPDATER, iteration, epoch);
      updater.applyUpdater(gradient, iteration, epoch);
      step(Regularization.ApplyStep.POST_UPDATER, iteration, epoch);
      parameters.subi(gradient);
      network.applyConstraints(iteration, epoch);
    }
    network.getLayerWiseConfigurations().setIterationCount(iteration + 1);
    network.setScore(loss);
    return loss;
  }

  /** Closes the step for the loss scale. */
  private boolean allowsGradient() {
    if (lossScale == null) {
      return true;
    }
    boolean finite = Double.isFinite(GlobalNormClipping.norm(gradient));
    boolean allows = lossScale.allows(finite);
    lossScale = lossScale.next(finite);
    return allows;
  }

  /**
   * Leaves the sum of all examples' gradients in {@link #gradient}.
   *
   * @return the whole batch's mean loss
   */
  private double sumOverRanks(Batch own, long examples) {
    int sharing = Math.min(own.size(), replicas.count());
    sum.begin(sharing);
    double loss = 0;
    if (sharing > 0) {
      for (double each : replicas.each((replica, rank) -> share(replica, rank, own, examples))) {
        loss += each;
      }
    }
    return exchange == null ? loss : exchange.await(loss);
  }

  /**
   * Adds a replica's part to the sum.
   *
   * @return its part of the whole batch's mean loss; all parts together have what regularisation
   *     adds to a loss once, because each has it in proportion to its examples
   */
  private double share(MultiLayerNetwork replica, int rank, Batch own, long examples) {
    Batch mine = own.part(rank, replicas.count());
    int parts = Math.min(microBatches, mine.size());
    GradientSum.Part part = sum.part(rank);
    part.begin();
    double loss = 0;
    for (int m = 0; m < parts; m++) {
      Batch batch = mine.part(m, parts);
      boolean isLast = m == parts - 1;
      double mean = gradientAndLoss(replica, batch, part, isLast);
      loss += mean * ((double) batch.size() / examples);
      if (isLast) {
        part.finish();
      } else {
        part.keep();
      }
    }
    return loss;
  }

  private double gradientAndLoss(
      MultiLayerNetwork replica, Batch batch, GradientSum.Part part, boolean isLast) {
    boolean oneMask = batch.isOneWithOneMask();
    boolean noLabel = oneMask && batch.labelsMask().getDouble(0) == 0;
    replica.setInput(batch.features());
    replica.setLabels(batch.labels());
    if (batch.labelsMask() != null && !oneMask) {
      replica.setLayerMaskArrays(null, batch.labelsMask());
    }
    wantInputGradient(replica, false);
    boolean handsOn = isLast && exchange != null && !noLabel;
    float scale = lossScale == null ? 1 : (float) lossScale.value();
    try (var ignored =
            TrainingPass.begin(
                replica.getIterationCount(), batch.keys(), handsOn ? part : null, scale);
        StackedPass stacked = StackedPass.begin(replica)) {
      replica.computeGradientAndScore();
    }
    wantInputGradient(replica, true);
    double loss = replica.score();
    if (noLabel) {
      part.whole().assign(0);
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
