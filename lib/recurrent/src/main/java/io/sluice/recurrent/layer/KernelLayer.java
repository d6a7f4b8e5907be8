package io.sluice.recurrent.layer;

import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.recurrent.kernel.MaskedRecurrence;
import io.sluice.recurrent.kernel.RecurrentKernel;
import io.sluice.recurrent.kernel.ReferenceKernel;
import io.sluice.recurrent.kernel.State;
import java.util.Arrays;
import java.util.Map;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.recurrent.BaseRecurrentLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs a {@link Recurrent} layer on a kernel.
 *
 * <p>The forward pass of training keeps in the kernel what the backward pass needs, so, unlike
 * DL4J's own layers, it is not run twice.
 */
final class KernelLayer extends BaseRecurrentLayer<Recurrent> {
  private static final long serialVersionUID = 1L;

  /** Keys of the state maps: (B, H) each. */
  static final String HIDDEN = "h";

  static final String CELL = "c";

  private final transient TimeMajor inputs = new TimeMajor();
  private final transient TimeMajor outputGradients = new TimeMajor();
  private transient MaskedRecurrence recurrence;
  private transient INDArray block;

  /** The state from which the last training pass began; null is zeros. */
  private transient Map<String, INDArray> begin;

  KernelLayer(NeuralNetConfiguration conf, DataType dataType) {
    super(conf, dataType);
  }

  @Override
  public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
    return run(training, null, null, workspaces);
  }

  @Override
  public INDArray rnnTimeStep(INDArray input, LayerWorkspaceMgr workspaces) {
    setInput(input, workspaces);
    return run(false, stateMap, stateMap, workspaces);
  }

  @Override
  public INDArray rnnActivateUsingStoredState(
      INDArray input, boolean training, boolean store, LayerWorkspaceMgr workspaces) {
    setInput(input, workspaces);
    return run(training, tBpttStateMap, store ? tBpttStateMap : null, workspaces);
  }

  /**
   * @param from state to begin with; null or empty is zeros
   * @param keep takes the last state; null if nobody wants it
   */
  private INDArray run(
      boolean training,
      Map<String, INDArray> from,
      Map<String, INDArray> keep,
      LayerWorkspaceMgr workspaces) {
    assertInputSet(false);
    applyDropOutIfNecessary(training, workspaces);
    INDArray series = series(input);
    int T = Math.toIntExact(series.size(2));
    int B = Math.toIntExact(series.size(0));
    CellShape shape = layerConf().shape();
    INDArray steps =
        workspaces.createUninitialized(
            ArrayType.ACTIVATIONS, dataType, new long[] {T, B, shape.hiddenSize()}, 'c');
    Map<String, INDArray> last = keep == null ? null : newState(B);
    Map<String, INDArray> first = from == null || from.isEmpty() ? null : Map.copyOf(from);
    requireBatch(first, B);
    MaskedRecurrence recurrence = recurrence(training, workspaces);
    if (training) {
      begin = first;
      recurrence.forward(
          mask(T, B), T, B, inputs.of(series), state(first), TimeMajor.memory(steps), state(last));
    } else {
      recurrence.infer(
          mask(T, B), T, B, inputs.of(series), state(first), TimeMajor.memory(steps), state(last));
    }
    if (keep != null) {
      keep.clear();
      keep.putAll(last);
    }
    return isNwc() ? steps.permute(1, 0, 2) : TimeMajor.series(steps);
  }

  @Override
  public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
    assertInputSet(true);
    INDArray series = permuteIfNWC(epsilon);
    long T = series.size(2);
    long B = series.size(0);
    CellShape shape = layerConf().shape();
    INDArray dx =
        workspaces.createUninitialized(
            ArrayType.ACTIVATION_GRAD, dataType, new long[] {T, B, shape.inputSize()}, 'c');
    recurrence.backward(
        outputGradients.of(series.castTo(dataType)), null, TimeMajor.memory(dx), null);
    recurrence.kernel().takeGradients(TimeMajor.memory(gradientsFlattened));
    weightNoiseParams.clear();
    var gradient = new DefaultGradient(gradientsFlattened);
    gradientViews.forEach(gradient::setGradientFor);
    INDArray toInput = isNwc() ? dx.permute(1, 0, 2) : TimeMajor.series(dx);
    return Pair.of(gradient, backpropDropOutIfPresent(toInput));
  }

  @Override
  public Pair<Gradient, INDArray> tbpttBackpropGradient(
      INDArray epsilon, int backwardLength, LayerWorkspaceMgr workspaces) {
    return backpropGradient(epsilon, workspaces);
  }

  /** (B, I, T) of the right type, checked. */
  private INDArray series(INDArray input) {
    Recurrent conf = layerConf();
    INDArray series = input.rank() == 3 ? permuteIfNWC(input) : input;
    if (series.rank() != 3 || series.size(1) != conf.getNIn()) {
      throw new IllegalArgumentException(
          "Input of layer %s has shape %s, expected (B, I, T) with I = %d"
              .formatted(name(), Arrays.toString(series.shape()), conf.getNIn()));
    }
    return series.castTo(dataType);
  }

  private float[] mask(int T, int B) {
    if (maskArray == null) {
      return null;
    }
    if (maskArray.rank() != 2 || maskArray.size(0) != B || maskArray.size(1) != T) {
      throw new IllegalArgumentException(
          "Mask of layer %s has shape %s, expected (B, T) = (%d, %d)"
              .formatted(name(), Arrays.toString(maskArray.shape()), B, T));
    }
    return maskArray.castTo(DataType.FLOAT).dup('c').data().asFloat();
  }

  private void requireBatch(Map<String, INDArray> state, int B) {
    if (state != null && state.get(HIDDEN).size(0) != B) {
      throw new IllegalArgumentException(
          "Layer %s holds the state of %d sequences, but the input has %d: clear the state first (rnnClearPreviousState)"
              .formatted(name(), state.get(HIDDEN).size(0), B));
    }
  }

  private String name() {
    String name = layerConf().getLayerName();
    return name == null ? Integer.toString(index) : name;
  }

  private boolean isNwc() {
    return layerConf().getRnnDataFormat() == RNNFormat.NWC;
  }

  private Map<String, INDArray> newState(int B) {
    int H = layerConf().shape().hiddenSize();
    try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      INDArray h = Nd4j.create(dataType, new long[] {B, H}, 'c');
      return layerConf().getCell().hasCellState()
          ? Map.of(HIDDEN, h, CELL, Nd4j.create(dataType, new long[] {B, H}, 'c'))
          : Map.of(HIDDEN, h);
    }
  }

  private static State state(Map<String, INDArray> state) {
    if (state == null) {
      return null;
    }
    INDArray c = state.get(CELL);
    return new State(TimeMajor.memory(state.get(HIDDEN)), c == null ? null : TimeMajor.memory(c));
  }

  /** The kernel, made on first use, with the parameters as they are now. */
  private MaskedRecurrence recurrence(boolean training, LayerWorkspaceMgr workspaces) {
    Recurrent conf = layerConf();
    if (recurrence == null) {
      recurrence = new MaskedRecurrence(newKernel(conf), conf.getDirection(), dataType.width());
    }
    recurrence.kernel().setParameters(TimeMajor.memory(parameters(training, workspaces)));
    return recurrence;
  }

  private RecurrentKernel newKernel(Recurrent conf) {
    return switch (dataType) {
      case FLOAT -> Kernels.create(conf.shape(), conf.getDirection(), conf.getPrecision());
      case DOUBLE -> new ReferenceKernel(conf.shape(), conf.getDirection());
      default ->
          throw new IllegalArgumentException(
              "Layer %s has data type %s, must be FLOAT or DOUBLE; bf16 is a precision of the layer in a FLOAT network"
                  .formatted(name(), dataType));
    };
  }

  /** The flat parameters, or with weight noise (DropConnect) a noisy copy. */
  private INDArray parameters(boolean training, LayerWorkspaceMgr workspaces) {
    if (layerConf().getWeightNoise() == null) {
      return paramsFlattened;
    }
    if (block == null) {
      try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
        block = Nd4j.createUninitialized(dataType, paramsFlattened.length());
      }
    }
    Map<String, INDArray> views = layerConf().initializer().getGradientsFromFlattened(conf, block);
    views.forEach((key, view) -> view.assign(getParamWithNoise(key, training, workspaces)));
    return block;
  }

  /** Frees native memory; the next pass takes it again. */
  void release() {
    if (recurrence != null) {
      recurrence.close();
      recurrence = null;
    }
  }

  @Override
  public Type type() {
    return Type.RECURRENT;
  }

  @Override
  public boolean isPretrainLayer() {
    return false;
  }

  @Override
  public Pair<org.nd4j.linalg.api.ndarray.INDArray, MaskState> feedForwardMaskArray(
      INDArray mask, MaskState state, int batchSize) {
    setMaskArray(mask);
    return Pair.of(mask, MaskState.Passthrough);
  }
}
