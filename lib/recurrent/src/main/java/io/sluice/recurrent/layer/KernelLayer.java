package io.sluice.recurrent.layer;

import io.sluice.recurrent.dropout.DropoutMask;
import io.sluice.recurrent.dropout.WeightDropout;
import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Direction;
import io.sluice.recurrent.kernel.HoldsNativeMemory;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.recurrent.kernel.MaskedRecurrence;
import io.sluice.recurrent.kernel.RecurrentKernel;
import io.sluice.recurrent.kernel.ReferenceKernel;
import io.sluice.recurrent.kernel.State;
import io.sluice.recurrent.pass.TrainingPass;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
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
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Runs a {@link Recurrent} layer on a kernel.
 *
 * <p>The forward pass of training keeps in the kernel what the backward pass needs, so, unlike
 * DL4J's own layers, it is not run twice.
 */
final class KernelLayer extends BaseRecurrentLayer<Recurrent>
    implements InputGradient, HoldsNativeMemory {
  private static final long serialVersionUID = 1L;

  /** Keys of the state maps: (B, H) each. */
  static final String HIDDEN = "h";

  static final String CELL = "c";

  private final transient TimeMajor inputs = new TimeMajor();
  private final transient TimeMajor outputGradients = new TimeMajor();
  private transient MaskedRecurrence recurrence;
  private transient INDArray block;
  private transient boolean givesNoInputGradient;

  /** That it is part of, where a pass may compute several layers at once; null. */
  private transient LayerStack stack;

  private ArrayType outputs = ArrayType.ACTIVATIONS;
  private ArrayType inputGradients = ArrayType.ACTIVATION_GRAD;

  /** Variational dropout's factors of the hidden state (B, H), inverted. */
  private transient INDArray stateFactors;

  private transient DropoutMask stateMasks;

  private transient WeightDropout weightMasks;

  /** Of the mask of the last training pass. */
  private transient long weightKey;

  /** The state from which the last training pass began; null is zeros. */
  private transient Map<String, INDArray> begin;

  /** What passes begin with and where they leave what they end with; null is nothing. */
  private transient CarriedStates.OfLayer carried;

  KernelLayer(NeuralNetConfiguration conf, DataType dataType) {
    super(conf, dataType);
  }

  /** Where outputs and gradients of inputs go; a half of a layer writes to that one's scratch. */
  void writeTo(ArrayType outputs, ArrayType inputGradients) {
    this.outputs = outputs;
    this.inputGradients = inputGradients;
  }

  /** Lets passes begin with states, and keep their last; null ends it. */
  void carry(CarriedStates.OfLayer states) {
    carried = states;
  }

  @Override
  public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
    return carried == null
        ? run(training, null, null, workspaces)
        : run(training, carried.first(), carried.last(), workspaces);
  }

  @Override
  public INDArray rnnTimeStep(INDArray input, LayerWorkspaceMgr workspaces) {
    setInput(input, workspaces);
    return runAndKeep(false, stateMap, stateMap, workspaces);
  }

  @Override
  public INDArray rnnActivateUsingStoredState(
      INDArray input, boolean training, boolean store, LayerWorkspaceMgr workspaces) {
    setInput(input, workspaces);
    return runAndKeep(training, tBpttStateMap, store ? tBpttStateMap : null, workspaces);
  }

  /**
   * @param from state to begin with; empty is zeros
   * @param keep takes the last state; null if nobody wants it
   */
  private INDArray runAndKeep(
      boolean training,
      Map<String, INDArray> from,
      Map<String, INDArray> keep,
      LayerWorkspaceMgr workspaces) {
    Map<String, INDArray> first = from.isEmpty() ? null : Map.copyOf(from);
    Map<String, INDArray> last = keep == null ? null : newState(Math.toIntExact(input.size(0)));
    INDArray y = run(training, first, last, workspaces);
    if (keep != null) {
      keep.clear();
      keep.putAll(last);
    }
    return y;
  }

  /**
   * @param first state to begin with; null is zeros
   * @param last the last state, written; null if nobody wants it
   */
  private INDArray run(
      boolean training,
      Map<String, INDArray> first,
      Map<String, INDArray> last,
      LayerWorkspaceMgr workspaces) {
    assertInputSet(false);
    applyDropOutIfNecessary(training, workspaces);
    INDArray series = series(input);
    int T = Math.toIntExact(series.size(2));
    int B = Math.toIntExact(series.size(0));
    CellShape shape = layerConf().shape();
    INDArray steps =
        workspaces.createUninitialized(
            outputs, dataType, new long[] {T, B, shape.hiddenSize()}, 'c');
    requireBatch(first, B);
    if (isStacked(training, first == null && last == null, series, workspaces)) {
      if (stack.isHighest(this)) {
        stack.giveOutputs(steps);
      }
      return oriented(steps);
    }
    MaskedRecurrence recurrence = recurrence(training, workspaces);
    recurrence.setStateFactors(training ? stateFactors(B, first != null && carried == null) : null);
    if (training) {
      begin = first;
      recurrence.forward(
          mask(T, B), T, B, inputs.of(series), state(first), TimeMajor.memory(steps), state(last));
    } else {
      recurrence.infer(
          mask(T, B), T, B, inputs.of(series), state(first), TimeMajor.memory(steps), state(last));
    }
    return oriented(steps);
  }

  private INDArray oriented(INDArray steps) {
    return isNwc() ? steps.permute(1, 0, 2) : TimeMajor.series(steps);
  }

  /**
   * Whether a stack computes this layer in the pass under way; if it is the lowest, it does now.
   */
  private boolean isStacked(
      boolean training, boolean hasNoState, INDArray series, LayerWorkspaceMgr workspaces) {
    if (stack == null || !stack.isLowest(this)) {
      return stack != null && stack.isUnderWay();
    }
    stack.beginPass();
    int T = Math.toIntExact(series.size(2));
    int B = Math.toIntExact(series.size(0));
    return hasNoState
        && masksNothing(T, B)
        && stack.forward(
            training, T, B, inputs.of(series), TimeMajor.memory(parameters(training, workspaces)));
  }

  private boolean masksNothing(int T, int B) {
    float[] mask = mask(T, B);
    if (mask != null) {
      for (float step : mask) {
        if (step == 0) {
          return false;
        }
      }
    }
    return true;
  }

  /** Whether a stack may have it as its lowest layer. */
  boolean mayBeginStack() {
    Recurrent conf = layerConf();
    return dataType == DataType.FLOAT
        && conf.getDirection() == Direction.FORWARD
        && conf.getRecurrentDropout() == 0
        && conf.getWeightDropout() == 0
        && conf.getWeightNoise() == null
        && !isNwc();
  }

  /** Whether it is like the layer below and reads nothing but what comes out of that. */
  boolean goesOnFrom(KernelLayer below) {
    Recurrent conf = layerConf();
    Recurrent other = below.layerConf();
    return mayBeginStack()
        && conf.getIDropout() == null
        && conf.getCell() == other.getCell()
        && conf.getNOut() == other.getNOut()
        && conf.getPrecision() == other.getPrecision();
  }

  /** The stack of these layers, this one the lowest: the one before if it was of the same. */
  LayerStack stackWith(List<KernelLayer> layers) {
    if (stack == null) {
      var together = new LayerStack(layers);
      layers.forEach(layer -> layer.stack = together);
    }
    return stack;
  }

  /** Whether its parameters and gradients lie right behind another layer's. */
  boolean liesBehind(KernelLayer below) {
    return isBehind(paramsFlattened, below.paramsFlattened)
        && (gradientsFlattened == null || isBehind(gradientsFlattened, below.gradientsFlattened));
  }

  private static boolean isBehind(INDArray upper, INDArray lower) {
    return lower != null
        && TimeMajor.memory(upper).address()
            == TimeMajor.memory(lower).address() + lower.length() * Float.BYTES;
  }

  @Override
  public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
    TrainingPass.backwardBegins(index);
    if (TrainingPass.isFrozen(index)) {
      gradientsFlattened.assign(0);
      return given(null);
    }
    assertInputSet(true);
    INDArray series = permuteIfNWC(epsilon);
    long T = series.size(2);
    long B = series.size(0);
    CellShape shape = layerConf().shape();
    INDArray dx =
        givesNoInputGradient
            ? null
            : workspaces.createUninitialized(
                inputGradients, dataType, new long[] {T, B, shape.inputSize()}, 'c');
    if (stack != null && stack.isUnderWay()) {
      if (stack.isHighest(this)) {
        KernelLayer lowest = stack.lowest();
        stack.backward(
            Math.toIntExact(T),
            Math.toIntExact(B),
            outputGradients.of(series.castTo(dataType)),
            TimeMajor.memory(lowest.gradientsFlattened),
            !lowest.givesNoInputGradient);
      }
      if (stack.isLowest(this) && dx != null) {
        stack.giveInputGradients(dx);
      }
      return given(dx);
    }
    beginGradients();
    recurrence.backward(
        outputGradients.of(series.castTo(dataType)),
        null,
        dx == null ? null : TimeMajor.memory(dx),
        null);
    return gradient(dx);
  }

  @Override
  public void inputGradient(boolean wanted) {
    givesNoInputGradient = !wanted;
  }

  private void beginGradients() {
    recurrence.kernel().setLossScale(TrainingPass.lossScale());
    recurrence.kernel().sumGradientsAt(TimeMajor.memory(gradientsFlattened));
  }

  /** What a backward pass gives to DL4J, from the gradient of the input (T, B, I) or null. */
  private Pair<Gradient, INDArray> gradient(INDArray dx) {
    recurrence.kernel().takeGradients(TimeMajor.memory(gradientsFlattened));
    if (layerConf().getWeightDropout() > 0) {
      dropWeights(gradientsFlattened);
    }
    return given(dx);
  }

  private Pair<Gradient, INDArray> given(INDArray dx) {
    weightNoiseParams.clear();
    var gradient = new DefaultGradient(gradientsFlattened);
    gradientViews.forEach(gradient::setGradientFor);
    if (dx == null) {
      return Pair.of(gradient, null);
    }
    INDArray toInput = isNwc() ? dx.permute(1, 0, 2) : TimeMajor.series(dx);
    return Pair.of(gradient, backpropDropOutIfPresent(toInput));
  }

  /**
   * Goes back over the last {@code backwardLength} steps only. The kernel has kept the whole pass
   * as one, so where that is longer the forward pass runs again, cut in two.
   */
  @Override
  public Pair<Gradient, INDArray> tbpttBackpropGradient(
      INDArray epsilon, int backwardLength, LayerWorkspaceMgr workspaces) {
    INDArray series = series(input);
    int T = Math.toIntExact(series.size(2));
    int B = Math.toIntExact(series.size(0));
    int cut = T - backwardLength;
    if (cut <= 0) {
      return backpropGradient(epsilon, workspaces);
    }
    CellShape shape = layerConf().shape();
    float[] mask = mask(T, B);
    Map<String, INDArray> between = newState(B);
    INDArray outputs = detached(new long[] {T, B, shape.hiddenSize()});
    INDArray gradients = outputs.ulike();
    gradients.assign(permuteIfNWC(epsilon).permute(2, 0, 1));
    INDArray steps = detached(new long[] {T, B, shape.inputSize()});
    steps.assign(series.permute(2, 0, 1));
    INDArray dx = workspaces.create(ArrayType.ACTIVATION_GRAD, dataType, steps.shape(), 'c');
    recurrence.infer(
        part(mask, B, T, 0, cut),
        cut,
        B,
        TimeMajor.memory(steps),
        state(begin),
        TimeMajor.memory(outputs),
        state(between));
    recurrence.forward(
        part(mask, B, T, cut, T),
        backwardLength,
        B,
        from(steps, cut),
        state(between),
        from(outputs, cut),
        null);
    beginGradients();
    recurrence.backward(from(gradients, cut), null, from(dx, cut), null);
    return gradient(dx);
  }

  /**
   * @param goesOn whether these are later steps of sequences whose first steps came before in the
   *     same training step
   * @return (B, H), null without recurrent dropout
   */
  private Pointer stateFactors(int B, boolean goesOn) {
    double kept = 1 - layerConf().getRecurrentDropout();
    if (kept == 1) {
      return null;
    }
    if (!goesOn || stateFactors == null || stateFactors.size(0) != B) {
      if (stateMasks == null) {
        stateMasks = layerConf().stateMasks(name());
      }
      stateFactors = detached(new long[] {B, layerConf().shape().hiddenSize()});
      stateMasks.draw(stateFactors, B);
    }
    return TimeMajor.memory(stateFactors);
  }

  private INDArray detached(long[] sizes) {
    try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      return Nd4j.create(dataType, sizes, 'c');
    }
  }

  /** Memory of a dense (T, B, n) array from a time step on. */
  private static Pointer from(INDArray steps, int t) {
    return TimeMajor.memory(
        steps.get(NDArrayIndex.interval(t, steps.size(0)), NDArrayIndex.all(), NDArrayIndex.all()));
  }

  /** Columns [from, to) of a (B, T) mask. */
  private static float[] part(float[] mask, int B, int T, int from, int to) {
    if (mask == null) {
      return null;
    }
    float[] part = new float[B * (to - from)];
    for (int b = 0; b < B; b++) {
      System.arraycopy(mask, b * T + from, part, b * (to - from), to - from);
    }
    return part;
  }

  /** (B, I, T) of the right type, checked. */
  INDArray series(INDArray input) {
    Recurrent conf = layerConf();
    INDArray series = input.rank() == 3 ? permuteIfNWC(input) : input;
    if (series.rank() != 3 || series.size(1) != conf.getNIn()) {
      throw new IllegalArgumentException(
          "Input of layer %s has shape %s, expected (B, I, T) with I = %d"
              .formatted(name(), Arrays.toString(series.shape()), conf.getNIn()));
    }
    if (series.size(0) < 1 || series.size(2) < 1) {
      throw new IllegalArgumentException(
          "Input of layer %s has shape %s, needs at least 1 sequence and 1 time step, but has B=%d, T=%d"
              .formatted(name(), Arrays.toString(series.shape()), series.size(0), series.size(2)));
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

  /** Zeros, (B, H) each. */
  Map<String, INDArray> newState(int B) {
    int H = layerConf().shape().hiddenSize();
    long[] sizes = {B, H};
    return layerConf().getCell().hasCellState()
        ? Map.of(HIDDEN, detached(sizes), CELL, detached(sizes))
        : Map.of(HIDDEN, detached(sizes));
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
    if (!Nd4j.getEnvironment().isCPU()) {
      throw new IllegalStateException(
          "Layer %s reads the memory of ND4J's CPU backend, and ND4J runs on %s: build without the profile nd4j-cuda-11.6, whose backend is for DL4J's own layers. On a GPU this layer computes by cuDNN (device = gpu)."
              .formatted(name(), Nd4j.getBackend().getClass().getSimpleName()));
    }
    return switch (dataType) {
      case FLOAT ->
          Kernels.create(
              conf.shape(),
              conf.getDirection(),
              conf.getPrecision(),
              conf.getRecurrentDropout() > 0);
      case DOUBLE -> new ReferenceKernel(conf.shape(), conf.getDirection());
      default ->
          throw new IllegalArgumentException(
              "Layer %s has data type %s, must be FLOAT or DOUBLE; bf16 is a precision of the layer in a FLOAT network"
                  .formatted(name(), dataType));
    };
  }

  /** The flat parameters; with weight dropout or DL4J's weight noise, a noisy copy. */
  private INDArray parameters(boolean training, LayerWorkspaceMgr workspaces) {
    boolean dropsWeights = training && layerConf().getWeightDropout() > 0;
    if (!dropsWeights && layerConf().getWeightNoise() == null) {
      return paramsFlattened;
    }
    if (block == null) {
      try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
        block = Nd4j.createUninitialized(dataType, paramsFlattened.length());
      }
    }
    if (dropsWeights) {
      Pointer.memcpy(
          TimeMajor.memory(block),
          TimeMajor.memory(paramsFlattened),
          block.length() * dataType.width());
      if (weightMasks == null) {
        weightMasks = layerConf().weightMasks(name(), conf.getSeed());
      }
      weightKey = weightMasks.key();
      dropWeights(block);
      return block;
    }
    Map<String, INDArray> views = layerConf().initializer().getGradientsFromFlattened(conf, block);
    views.forEach((key, view) -> view.assign(getParamWithNoise(key, training, workspaces)));
    return block;
  }

  /** Multiplies the recurrent weights, or their gradients, by the mask of the training pass. */
  private void dropWeights(INDArray flat) {
    CellShape.Parameter RW = layerConf().shape().parameter("RW");
    weightMasks.multiply(
        TimeMajor.memory(
            flat.reshape(flat.length())
                .get(NDArrayIndex.interval(RW.offset(), RW.offset() + RW.length()))),
        Math.toIntExact(RW.length()),
        dataType.width(),
        weightKey);
  }

  @Override
  public long nativeBytes() {
    long stacked = stack != null && stack.isLowest(this) ? stack.nativeBytes() : 0;
    return stacked + (recurrence == null ? 0 : recurrence.nativeBytes());
  }

  @Override
  public void forgetPasses() {
    if (recurrence != null) {
      recurrence.forgetPasses();
    }
  }

  /** Frees native memory; the next pass takes it again. */
  @Override
  public void close() {
    if (stack != null) {
      stack.close();
    }
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
  public Pair<INDArray, MaskState> feedForwardMaskArray(
      INDArray mask, MaskState state, int batchSize) {
    setMaskArray(mask);
    return Pair.of(mask, MaskState.Passthrough);
  }
}
