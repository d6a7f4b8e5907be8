package io.sluice.recurrent.layer;

import io.sluice.recurrent.kernel.HoldsNativeMemory;
import io.sluice.recurrent.pass.TrainingPass;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.recurrent.BidirectionalLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Runs a {@link BidirectionalRecurrent} layer: two {@link KernelLayer}s over the same time-major
 * input. Parameter tables, regularisation and constraints are {@code BidirectionalLayer}'s.
 */
final class BidirectionalKernelLayer extends BidirectionalLayer
    implements InputGradient, HoldsNativeMemory {
  private final KernelLayer forward;
  private final KernelLayer backward;
  private final DataType dataType;
  private final TimeMajor inputs = new TimeMajor();
  private final TimeMajor outputGradients = new TimeMajor();
  private final SideBySide halves = new SideBySide();
  private INDArray input;

  BidirectionalKernelLayer(
      NeuralNetConfiguration conf, KernelLayer forward, KernelLayer backward, INDArray parameters) {
    super(conf, forward, backward, parameters);
    this.forward = forward;
    this.backward = backward;
    this.dataType = parameters.dataType();
    forward.writeTo(ArrayType.FF_WORKING_MEM, ArrayType.ACTIVATION_GRAD);
    backward.writeTo(ArrayType.FF_WORKING_MEM, ArrayType.BP_WORKING_MEM);
  }

  @Override
  public void setInput(INDArray input, LayerWorkspaceMgr workspaces) {
    this.input = workspaces.leverageTo(ArrayType.INPUT, input);
  }

  @Override
  public INDArray input() {
    return input;
  }

  @Override
  public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
    if (input == null) {
      throw new IllegalStateException("Layer %s has no input: set it first".formatted(name()));
    }
    INDArray steps = inputs.steps(forward.series(input));
    boolean drops = training && forward.layerConf().getIDropout() != null;
    // dropout may write over its input, so each direction has one
    INDArray backwardSteps = drops ? workspaces.dup(ArrayType.INPUT, steps, 'c') : steps;
    backward.allowInputModification(drops);
    INDArray left = forward.activate(oriented(steps), training, workspaces);
    INDArray right = backward.activate(oriented(backwardSteps), training, workspaces);
    long T = steps.size(0);
    long B = steps.size(1);
    long H = series(left).size(1);
    INDArray both =
        workspaces.createUninitialized(
            ArrayType.ACTIVATIONS, dataType, new long[] {T, B, 2 * H}, 'c');
    halves.join(
        TimeMajor.memory(left),
        TimeMajor.memory(right),
        TimeMajor.memory(both),
        T * B,
        Math.toIntExact(H * dataType.width()));
    return oriented(both);
  }

  @Override
  public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
    if (TrainingPass.isFrozen(forward.getIndex())) {
      return gradient(
          forward.backpropGradient(null, workspaces), backward.backpropGradient(null, workspaces));
    }
    INDArray both = outputGradients.steps(series(epsilon).castTo(dataType));
    long T = both.size(0);
    long B = both.size(1);
    long H = both.size(2) / 2;
    INDArray left =
        workspaces.createUninitialized(
            ArrayType.BP_WORKING_MEM, dataType, new long[] {T, B, H}, 'c');
    INDArray right =
        workspaces.createUninitialized(
            ArrayType.BP_WORKING_MEM, dataType, new long[] {T, B, H}, 'c');
    halves.split(
        TimeMajor.memory(both),
        TimeMajor.memory(left),
        TimeMajor.memory(right),
        T * B,
        Math.toIntExact(H * dataType.width()));
    return gradient(
        forward.backpropGradient(oriented(left), workspaces),
        backward.backpropGradient(oriented(right), workspaces));
  }

  /** What both halves give, together. */
  private Pair<Gradient, INDArray> gradient(
      Pair<Gradient, INDArray> fromLeft, Pair<Gradient, INDArray> fromRight) {
    var gradient = new DefaultGradient(getGradientsViewArray());
    fromLeft
        .getFirst()
        .gradientForVariable()
        .forEach((key, view) -> gradient.setGradientFor("f" + key, view));
    fromRight
        .getFirst()
        .gradientForVariable()
        .forEach((key, view) -> gradient.setGradientFor("b" + key, view));
    if (fromLeft.getSecond() == null) {
      return Pair.of(gradient, null);
    }
    INDArray dx = timeMajor(fromLeft.getSecond()).addi(timeMajor(fromRight.getSecond()));
    return Pair.of(gradient, oriented(dx));
  }

  @Override
  public void inputGradient(boolean wanted) {
    forward.inputGradient(wanted);
    backward.inputGradient(wanted);
  }

  /** (B, N, T) of what DL4J gives. */
  private INDArray series(INDArray array) {
    return isNwc() ? array.permute(0, 2, 1) : array;
  }

  /** (T, B, N) of what DL4J is given. */
  private INDArray timeMajor(INDArray array) {
    return series(array).permute(2, 0, 1);
  }

  /** What DL4J is given of (T, B, N). */
  private INDArray oriented(INDArray steps) {
    return isNwc() ? steps.permute(1, 0, 2) : TimeMajor.series(steps);
  }

  private boolean isNwc() {
    return forward.layerConf().getRnnDataFormat() == RNNFormat.NWC;
  }

  @Override
  public void allowInputModification(boolean allow) {
    forward.allowInputModification(allow);
  }

  @Override
  public void setMaskArray(INDArray mask) {
    forward.setMaskArray(mask);
    backward.setMaskArray(mask);
  }

  @Override
  public Pair<INDArray, MaskState> feedForwardMaskArray(
      INDArray mask, MaskState state, int batchSize) {
    backward.feedForwardMaskArray(mask, state, batchSize);
    return forward.feedForwardMaskArray(mask, state, batchSize);
  }

  @Override
  public void clear() {
    super.clear();
    input = null;
  }

  /** Of the kernels of both halves. */
  @Override
  public long nativeBytes() {
    return forward.nativeBytes() + backward.nativeBytes();
  }

  @Override
  public void forgetPasses() {
    forward.forgetPasses();
    backward.forgetPasses();
  }

  @Override
  public void close() {
    forward.close();
    backward.close();
  }

  @Override
  public INDArray rnnTimeStep(INDArray input, LayerWorkspaceMgr workspaces) {
    throw new UnsupportedOperationException(
        "Layer %s reads its series in both directions and cannot go step by step (rnnTimeStep): give output() the whole series, or train a network that reads forward only"
            .formatted(name()));
  }

  @Override
  public INDArray rnnActivateUsingStoredState(
      INDArray input, boolean training, boolean store, LayerWorkspaceMgr workspaces) {
    throw new UnsupportedOperationException(
        "Layer %s reads its series in both directions and cannot be trained by truncated backpropagation: use BackpropType.Standard, or a network that reads forward only"
            .formatted(name()));
  }

  private String name() {
    String name = forward.layerConf().getLayerName();
    return name == null ? Integer.toString(getIndex()) : name;
  }
}
