package io.sluice.recurrent.optim;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.function.DoubleUnaryOperator;
import org.deeplearning4j.nn.api.TrainingConfig;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.SgdUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * An optimizer that first clips the gradient of all parameters together to an L2 norm.
 *
 * <p>It is part of the network's configuration, so clipping happens wherever the network is
 * trained: {@code fit}, the workers of a Spark training master, a network restored from a file.
 * That works because DL4J joins neighbouring parameters with equal optimizer settings into one
 * block and hands the block's flat gradient, already averaged over the batch, to the optimizer:
 * with the same settings on every layer the block is the whole network. {@link #requireOneBlock}
 * checks that it is.
 *
 * <p>A norm that is not finite is left as it is, so that the loss shows it.
 *
 * <p>Layers may learn in {@link LayerGroup}s: those that are frozen in a step are left out of the
 * norm and of the update, and the update of each other group is multiplied by its factor, which is
 * a learning rate of its own, because the update of every optimizer here is proportional to the
 * rate.
 *
 * <p><b>Source.</b> Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural
 * networks", ICML 2013, algorithm 1.
 *
 * <p><b>Considered:</b> DL4J's own clipping (per layer or element: it turns the gradient's
 * direction), a training listener's {@code onGradientCalculation} (works, but every place that
 * trains must remember to set it, and the gradient there is a sum over the batch).
 */
public final class GlobalNormClipping implements IUpdater {
  private static final long serialVersionUID = 1L;

  private final IUpdater updater;
  private final double maxNorm;
  private final List<LayerGroup> groups;

  /** All layers learn alike. */
  public GlobalNormClipping(IUpdater updater, double maxNorm) {
    this(updater, maxNorm, null);
  }

  /**
   * @param updater the optimizer that gets the clipped gradient
   * @param maxNorm largest L2 norm; 0 measures the norm and clips nothing
   * @param groups that all layers are in, lowest first; null or none is all learn alike
   */
  @JsonCreator
  public GlobalNormClipping(
      @JsonProperty("updater") IUpdater updater,
      @JsonProperty("maxNorm") double maxNorm,
      @JsonProperty("groups") List<LayerGroup> groups) {
    this.updater = Objects.requireNonNull(updater, "updater");
    this.maxNorm = maxNorm;
    this.groups = groups == null ? List.of() : List.copyOf(groups);
    if (!(maxNorm >= 0)) {
      throw new IllegalArgumentException("maxNorm is %s, must be at least 0".formatted(maxNorm));
    }
  }

  /**
   * Scales {@code gradient} in place so that its L2 norm is at most {@code maxNorm}.
   *
   * @param gradient the flat gradient of all parameters, a mean over the batch
   * @param maxNorm 0 is no limit
   * @return the norm before clipping
   */
  public static double clip(INDArray gradient, double maxNorm) {
    return clip(gradient, null, Sections.ALONE, maxNorm, DoubleUnaryOperator.identity());
  }

  /**
   * @param ranges outside of which the gradient is zero; null is all of it
   */
  private static double clip(
      INDArray gradient,
      Ranges ranges,
      Sections sections,
      double maxNorm,
      DoubleUnaryOperator overParts) {
    double norm = Math.sqrt(overParts.applyAsDouble(SquaredNorm.of(gradient, ranges, sections)));
    if (clips(norm, maxNorm)) {
      ArrayWork.scale(gradient, ranges, maxNorm / norm, sections);
    }
    return norm;
  }

  private static boolean clips(double norm, double maxNorm) {
    return maxNorm > 0 && norm > maxNorm && Double.isFinite(norm);
  }

  /** The gradient norm of the network's last step, before clipping; empty before the first. */
  public static OptionalDouble lastNorm(MultiLayerNetwork network) {
    return clipping(network).lastNorm;
  }

  /**
   * Refuses a network whose parameters are not one block, because each block would be clipped on
   * its own.
   */
  public static void requireOneBlock(MultiLayerNetwork network) {
    clipping(network);
  }

  /**
   * Makes a network a part of one whose other parts are elsewhere: its gradient is clipped by the
   * norm of all parts together.
   *
   * @param overParts from the sum of squares of this part's gradient to that of all; asked once a
   *     step, in half precision twice, after the gradient is a mean over the batch
   */
  public static void joinParts(MultiLayerNetwork network, DoubleUnaryOperator overParts) {
    clipping(network).overParts = overParts;
  }

  /**
   * The norm of a network's gradient, with those of the parts it was joined with.
   *
   * @param ranges outside of which the gradient is zero; null is all of it
   */
  static double normOverParts(
      MultiLayerNetwork network, INDArray gradient, Ranges ranges, Sections sections) {
    return Math.sqrt(
        clipping(network).overParts.applyAsDouble(SquaredNorm.of(gradient, ranges, sections)));
  }

  /**
   * The network's whole step, in two passes over its numbers, where its updater can: to the bit
   * that of its parts. The gradient stays as it is.
   *
   * @param gradient a sum over the batch
   * @param mean one over the batch
   * @param ranges outside of which it is zero; null if nobody knows
   * @return whether the step is done; else nothing is
   */
  static boolean step(
      MultiLayerNetwork network,
      INDArray parameters,
      INDArray gradient,
      double mean,
      Ranges ranges,
      Sections sections,
      int iteration,
      int epoch) {
    return clipping(network)
        .step(parameters, gradient, (float) mean, ranges, sections, iteration, epoch);
  }

  /**
   * What the network's updater does to a gradient.
   *
   * @param ranges outside of which it is zero; null if nobody knows
   * @return whether it is known to be zero there still
   */
  static boolean update(
      MultiLayerNetwork network,
      INDArray gradient,
      Ranges ranges,
      Sections sections,
      int iteration,
      int epoch) {
    return clipping(network).applyUpdater(gradient, ranges, sections, iteration, epoch);
  }

  /**
   * Gives a network another learning rate, in place: optimizer state, parameters and step stay.
   *
   * <p>DL4J's own {@code setLearningRate} passes over layers in a wrapper ({@code Bidirectional}),
   * whose rate then differs from the others' and no longer clips with them.
   *
   * @param schedule by step
   */
  public static void setLearningRate(MultiLayerNetwork network, ISchedule schedule) {
    UpdaterBlock block = block(network);
    block.getGradientUpdater().getConfig().setLrAndSchedule(Double.NaN, schedule);
    for (UpdaterBlock.ParamState each : block.getLayersAndVariablesInBlock()) {
      each.getLayer()
          .getConfig()
          .getUpdaterByParam(each.getParamName())
          .setLrAndSchedule(Double.NaN, schedule);
    }
  }

  /**
   * Numbers at the beginning of a network's parameters that a step leaves as they are. Asks the
   * configuration, because a replica has no optimizer, whose state would cost memory.
   *
   * @param step from 0
   */
  public static long frozen(MultiLayerNetwork network, int step) {
    TrainingConfig top = network.getLayer(network.getnLayers() - 1).getConfig();
    return top.getUpdaterByParam("W") instanceof GlobalNormClipping clipping
        ? LayerGroup.frozen(clipping.groups, step)
        : 0;
  }

  private static Clipping clipping(MultiLayerNetwork network) {
    return (Clipping) block(network).getGradientUpdater();
  }

  /** The block that all parameters are in; its updater clips. */
  static UpdaterBlock block(MultiLayerNetwork network) {
    Updater updater = network.getUpdater();
    var blocks = ((BaseMultiLayerUpdater<?>) updater).getUpdaterBlocks();
    if (blocks.size() != 1) {
      throw new IllegalStateException(
          "The network has %d updater blocks, clipping to a global norm needs 1: give every layer the same optimizer"
              .formatted(blocks.size()));
    }
    UpdaterBlock block = blocks.get(0);
    if (!(block.getGradientUpdater() instanceof Clipping)) {
      throw new IllegalStateException(
          "The network's optimizer is %s, expected GlobalNormClipping"
              .formatted(block.getGradientUpdater().getConfig()));
    }
    return block;
  }

  /** The largest norm; 0 is no limit. */
  public double maxNorm() {
    return maxNorm;
  }

  /** The optimizer that gets the clipped gradient. */
  public IUpdater updater() {
    return updater;
  }

  /** That all layers are in, lowest first; none is all learn alike. */
  public List<LayerGroup> groups() {
    return groups;
  }

  @Override
  public long stateSize(long numParams) {
    return updater.stateSize(numParams);
  }

  @Override
  public GradientUpdater<?> instantiate(INDArray viewArray, boolean initializeViewArray) {
    return new Clipping(this, updater.instantiate(viewArray, initializeViewArray));
  }

  @Override
  public GradientUpdater<?> instantiate(
      Map<String, INDArray> updaterState, boolean initializeStateArrays) {
    return new Clipping(this, updater.instantiate(updaterState, initializeStateArrays));
  }

  @Override
  public double getLearningRate(int iteration, int epoch) {
    return updater.getLearningRate(iteration, epoch);
  }

  @Override
  public boolean hasLearningRate() {
    return updater.hasLearningRate();
  }

  @Override
  public void setLrAndSchedule(double lr, ISchedule lrSchedule) {
    updater.setLrAndSchedule(lr, lrSchedule);
  }

  @Override
  @SuppressWarnings("MissingSuperCall")
  public GlobalNormClipping clone() {
    return new GlobalNormClipping(updater.clone(), maxNorm, groups);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GlobalNormClipping o
        && o.maxNorm == maxNorm
        && o.updater.equals(updater)
        && o.groups.equals(groups);
  }

  @Override
  public int hashCode() {
    return Objects.hash(updater, maxNorm, groups);
  }

  @Override
  public String toString() {
    return "GlobalNormClipping(%s, %s%s)"
        .formatted(maxNorm, updater, groups.isEmpty() ? "" : ", " + groups);
  }

  /** Clips, remembers the norm, and leaves the rest to the optimizer behind it. */
  private static final class Clipping implements GradientUpdater<GlobalNormClipping> {
    private final GlobalNormClipping config;
    private final GradientUpdater<?> behind;
    private OptionalDouble lastNorm = OptionalDouble.empty();
    private DoubleUnaryOperator overParts = DoubleUnaryOperator.identity();

    Clipping(GlobalNormClipping config, GradientUpdater<?> behind) {
      this.config = config;
      this.behind = behind;
    }

    @Override
    public void applyUpdater(INDArray gradient, int iteration, int epoch) {
      applyUpdater(gradient, null, Sections.ALONE, iteration, epoch);
    }

    /** Returns whether it is done. */
    boolean step(
        INDArray parameters,
        INDArray gradient,
        float mean,
        Ranges ranges,
        Sections sections,
        int iteration,
        int epoch) {
      if (!config.groups.isEmpty() || !canStep(parameters, gradient)) {
        return false;
      }
      double squares =
          sections.sum(
              ArrayWork.allOf(gradient, ranges), part -> SquaredNorm.of(gradient, mean, part));
      double norm = Math.sqrt(overParts.applyAsDouble(squares));
      lastNorm = OptionalDouble.of(norm);
      float clip = clips(norm, config.maxNorm) ? (float) (config.maxNorm / norm) : 1;
      if (behind instanceof AdamUpdater adam) {
        Ranges known = adam.getConfig().rows() == null ? null : ranges;
        adam.applyTo(parameters, gradient, known, mean, clip, sections, iteration, epoch);
      } else {
        float rate = (float) config.getLearningRate(iteration, epoch);
        sections.each(
            ArrayWork.allOf(gradient, ranges),
            part -> part.descend(parameters, gradient, mean, clip, rate));
      }
      return true;
    }

    private boolean canStep(INDArray parameters, INDArray gradient) {
      return behind instanceof AdamUpdater adam
          ? adam.canApplyTo(gradient, parameters)
          : behind instanceof SgdUpdater
              && FloatBlocks.canHold(gradient)
              && FloatBlocks.canHold(parameters);
    }

    /** Returns whether what is outside of the ranges is zero still. */
    boolean applyUpdater(
        INDArray gradient, Ranges ranges, Sections sections, int iteration, int epoch) {
      freeze(gradient, ranges, iteration);
      lastNorm = OptionalDouble.of(clip(gradient, ranges, sections, config.maxNorm, overParts));
      Ranges kept = update(gradient, ranges, sections, iteration, epoch);
      slowDown(gradient, kept, iteration);
      return kept != null;
    }

    /** Returns the ranges if what is outside of them is zero still; else null. */
    private Ranges update(
        INDArray gradient, Ranges ranges, Sections sections, int iteration, int epoch) {
      if (behind instanceof AdamUpdater adam) {
        Ranges known = adam.getConfig().rows() == null ? null : ranges;
        adam.applyUpdater(gradient, known, config.groups, sections, iteration, epoch);
        return known;
      }
      if (behind instanceof SgdUpdater) {
        double rate = config.getLearningRate(iteration, epoch);
        ArrayWork.scale(gradient, ranges, rate, sections);
        return ranges;
      }
      behind.applyUpdater(gradient, iteration, epoch);
      return null;
    }

    /** Makes the gradient of frozen layers zero. */
    private void freeze(INDArray gradient, Ranges ranges, int iteration) {
      for (LayerGroup group : config.groups) {
        if (!group.learnsAt(iteration)) {
          scale(gradient, ranges, group, 0);
        }
      }
    }

    /** From the update at the learning rate to that at each group's. */
    private void slowDown(INDArray update, Ranges ranges, int iteration) {
      for (LayerGroup group : config.groups) {
        if (group.learnsAt(iteration) && group.factor() != 1) {
          scale(update, ranges, group, group.factor());
        }
      }
    }

    /** What lies in the ranges of a group's numbers; null is all of them. */
    private static void scale(INDArray array, Ranges ranges, LayerGroup group, double factor) {
      if (group.from() == group.to()) {
        return;
      }
      if (ranges != null) {
        Ranges own = ranges.within(group.from(), group.to());
        if (factor == 0) {
          own.zero(array);
        } else {
          own.scale(array, factor);
        }
        return;
      }
      INDArray own =
          array.reshape(array.length()).get(NDArrayIndex.interval(group.from(), group.to()));
      if (factor == 0) {
        own.assign(0); // not a product: a number that is not finite would stay
      } else {
        own.muli(factor);
      }
    }

    @Override
    public GlobalNormClipping getConfig() {
      return config;
    }

    @Override
    public void setState(Map<String, INDArray> stateMap, boolean initialize) {
      behind.setState(stateMap, initialize);
    }

    @Override
    public Map<String, INDArray> getState() {
      return behind.getState();
    }

    @Override
    public void setStateViewArray(
        INDArray viewArray, long[] gradientShape, char gradientOrder, boolean initialize) {
      behind.setStateViewArray(viewArray, gradientShape, gradientOrder, initialize);
    }
  }
}
