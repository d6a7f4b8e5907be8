package io.sluice.recurrent.optim;

import java.util.ArrayList;
import java.util.List;
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
 */
public final class TrainingStep {
  /** A parameter with a regularisation of its own. */
  private record Decayed(INDArray parameter, INDArray gradient, List<Regularization> rules) {}

  private final MultiLayerNetwork network;
  private final INDArray parameters;
  private final INDArray gradient;
  private final GradientUpdater<?> updater;
  private final List<Decayed> decayed;

  /**
   * @param network with {@link GlobalNormClipping} as the optimizer of every layer; trained in
   *     place
   */
  public TrainingStep(MultiLayerNetwork network) {
    this.network = network;
    this.updater = GlobalNormClipping.block(network).getGradientUpdater();
    if (network.getFlattenedGradients() == null) {
      network.initGradientsView();
    }
    this.parameters = network.params().reshape(network.numParams());
    this.gradient = network.getFlattenedGradients().reshape(network.numParams());
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
    network.setInput(features);
    network.setLabels(labels);
    if (labelsMask != null) {
      network.setLayerMaskArrays(null, labelsMask);
    }
    network.computeGradientAndScore();
    gradient.muli(1.0 / features.size(0)); // DL4J's gradients are sums over the batch
    step(Regularization.ApplyStep.BEFORE_UPDATER, iteration, epoch);
    updater.applyUpdater(gradient, iteration, epoch);
    step(Regularization.ApplyStep.POST_UPDATER, iteration, epoch);
    parameters.subi(gradient);
    network.applyConstraints(iteration, epoch);
    network.getLayerWiseConfigurations().setIterationCount(iteration + 1);
    double loss = network.score();
    network.clearLayerMaskArrays();
    network.clearLayersStates();
    return loss;
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
