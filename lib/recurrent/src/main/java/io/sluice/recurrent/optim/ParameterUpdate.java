package io.sluice.recurrent.optim;

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
 * What a step does with a network once its gradient is there: mean over the batch, clipping,
 * optimizer, weight decay, parameters, and the number of steps.
 *
 * <p>A network with layers in half precision has a {@link LossScale}. Where it lets a gradient
 * overflow, which shows in the sum over all processes and so in all of them, the step is left out:
 * parameters and optimizer state stay, only its number passes.
 */
public final class ParameterUpdate {
  /** A parameter with a regularisation of its own. */
  private record Decayed(
      INDArray parameter, INDArray gradient, List<Regularization> rules, boolean isRows) {}

  private final MultiLayerNetwork network;
  private final INDArray parameters;
  private final INDArray gradient;
  private final FlatGradient flat;
  private final Sections sections;
  private final GradientUpdater<?> updater;
  private final List<Decayed> decayed;

  /** Whether what is done to rows leaves alone those without a gradient. */
  private final boolean sparesRows;

  /** Null in a network without half precision. */
  private LossScale lossScale;

  private boolean leftOut;

  /** On the calling thread. */
  public ParameterUpdate(MultiLayerNetwork network, boolean halfPrecision, FlatGradient flat) {
    this(network, halfPrecision, flat, Sections.ALONE);
  }

  /**
   * @param network with {@link GlobalNormClipping} as the optimizer of every layer; updated in
   *     place
   * @param halfPrecision whether the network, or the one it is a part of, computes gradients in it
   * @param flat the network's gradient
   * @param sections threads that share the work
   */
  ParameterUpdate(
      MultiLayerNetwork network, boolean halfPrecision, FlatGradient flat, Sections sections) {
    this.network = network;
    this.sections = sections;
    this.updater = GlobalNormClipping.block(network).getGradientUpdater();
    this.parameters = network.params().reshape(network.numParams());
    this.flat = flat;
    this.gradient = flat.whole();
    this.decayed = decayed();
    this.sparesRows =
        decayed.stream()
            .filter(Decayed::isRows)
            .flatMap(each -> each.rules.stream())
            .allMatch(RowWeightDecay.class::isInstance);
    this.lossScale = halfPrecision ? LossScale.FIRST : null;
  }

  /** That of the next step; empty in a network without half precision. */
  public Optional<LossScale> lossScale() {
    return Optional.ofNullable(lossScale);
  }

  /** What gradients of the next step are multiplied by on their way; 1 in full precision. */
  public float gradientScale() {
    return lossScale == null ? 1 : (float) lossScale.value();
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

  /** Where a network leaves its gradient (P), and the update takes it. */
  public static INDArray gradient(MultiLayerNetwork network) {
    if (network.getFlattenedGradients() == null) {
      network.initGradientsView();
    }
    return network.getFlattenedGradients().reshape(network.numParams());
  }

  /**
   * Takes a step by the gradient, which is used up.
   *
   * @param examples B, whose losses' gradients it is the sum of
   * @param loss their mean, kept as the network's score
   */
  public void apply(long examples, double loss) {
    int iteration = network.getIterationCount();
    int epoch = network.getEpochCount();
    if (flat.knowsRanges() && sparesRows) {
      apply(flat.ranges(), examples, iteration, epoch);
    } else {
      apply(null, examples, iteration, epoch);
    }
    network.getLayerWiseConfigurations().setIterationCount(iteration + 1);
    network.setScore(loss);
  }

  /**
   * @param known outside of which the gradient is zero, and what it does is nothing; null if nobody
   *     knows. Either is the same step, on one thread to the bit; several cut known ranges at other
   *     places, and the sum for the norm is in another order.
   */
  private void apply(Ranges known, long examples, int iteration, int epoch) {
    boolean isPlain = lossScale == null && decayed.isEmpty();
    if (isPlain
        && GlobalNormClipping.step(
            network, parameters, gradient, 1.0 / examples, known, sections, iteration, epoch)) {
      network.applyConstraints(iteration, epoch);
      return;
    }
    ArrayWork.scale(gradient, known, 1.0 / examples, sections);
    leftOut = !allowsGradient(known);
    if (leftOut) {
      return;
    }
    Ranges ranges = known;
    regularize(Regularization.ApplyStep.BEFORE_UPDATER, ranges, iteration, epoch);
    if (!GlobalNormClipping.update(network, gradient, ranges, sections, iteration, epoch)) {
      if (flat.touched() != null) {
        flat.touched().setAll();
      }
      ranges = null;
    }
    regularize(Regularization.ApplyStep.POST_UPDATER, ranges, iteration, epoch);
    ArrayWork.subtract(parameters, gradient, ranges, sections);
    network.applyConstraints(iteration, epoch);
  }

  /** Closes the step for the loss scale. */
  private boolean allowsGradient(Ranges ranges) {
    if (lossScale == null) {
      return true;
    }
    boolean finite =
        Double.isFinite(GlobalNormClipping.normOverParts(network, gradient, ranges, sections));
    boolean allows = lossScale.allows(finite);
    lossScale = lossScale.next(finite);
    return allows;
  }

  /**
   * @param ranges outside of which the gradient is zero; null if nobody knows
   */
  private void regularize(Regularization.ApplyStep when, Ranges ranges, int iteration, int epoch) {
    for (Decayed each : decayed) {
      for (Regularization rule : each.rules) {
        if (rule.applyStep() == when) {
          double rate = updater.getConfig().getLearningRate(iteration, epoch);
          if (each.isRows && ranges != null) {
            ((RowWeightDecay) rule)
                .apply(
                    each.parameter,
                    each.gradient,
                    ranges.before(each.gradient.length()),
                    rate,
                    iteration,
                    epoch);
          } else {
            rule.apply(each.parameter, each.gradient, rate, iteration, epoch);
          }
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
        decayed.add(
            new Decayed(
                parameters.get(part),
                gradient.get(part),
                List.copyOf(rules),
                each.getParamOffsetEnd() <= flat.rowNumbers()));
      }
    }
    return decayed;
  }
}
