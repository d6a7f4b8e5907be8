package io.sluice.recurrent.head;

import io.sluice.recurrent.kernel.HoldsNativeMemory;
import io.sluice.recurrent.pass.TrainingPass;
import java.util.Arrays;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.BaseLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Runs a {@link TimeHead} on its kernel. */
final class TimeHeadLayer extends BaseLayer<TimeHead> implements HoldsNativeMemory {
  private static final long serialVersionUID = 1L;

  private final transient Series inputs = new Series();
  private final transient Series arriving = new Series();
  private transient HeadKernel kernel;

  /** The last input, time-major, for backward. */
  private transient INDArray rows;

  private transient INDArray noisy;

  TimeHeadLayer(NeuralNetConfiguration conf, DataType dataType) {
    super(conf, dataType);
  }

  @Override
  public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
    assertInputSet(false);
    Series.requireSeries(name(), input, layerConf().getNIn());
    applyDropOutIfNecessary(training, workspaces);
    int B = Math.toIntExact(input.size(0));
    int T = Math.toIntExact(input.size(2));
    int N = layerConf().inputs();
    long[] sizes = layerConf().keepsTime() ? new long[] {T, B, N} : new long[] {B, N};
    INDArray y = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, sizes, 'c');
    rows = inputs.rows(input, dataType);
    kernel()
        .forward(
            T,
            B,
            Series.mask(name(), maskArray, T, B),
            parameters(training, workspaces),
            Series.memory(rows),
            Series.memory(y));
    return layerConf().keepsTime() ? Series.view(y) : y;
  }

  @Override
  public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
    TrainingPass.backwardBegins(index);
    if (TrainingPass.isFrozen(index)) {
      gradientsFlattened.assign(0);
      return Pair.of(ended(), null);
    }
    assertInputSet(true);
    INDArray dx =
        workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, rows.shape(), 'c');
    kernel()
        .backward(
            parameters(true, workspaces),
            Series.memory(rows),
            Series.memory(arriving.rows(epsilon, dataType)),
            Series.memory(dx),
            Series.memory(gradientsFlattened));
    return Pair.of(ended(), backpropDropOutIfPresent(Series.view(dx)));
  }

  /** The end of a backward pass. */
  private Gradient ended() {
    weightNoiseParams.clear();
    rows = null;
    var gradient = new DefaultGradient(gradientsFlattened);
    gradientViews.forEach(gradient::setGradientFor);
    return gradient;
  }

  HeadKernel kernel() {
    if (kernel == null) {
      if (dataType != DataType.FLOAT && dataType != DataType.DOUBLE) {
        throw new IllegalArgumentException(
            "Layer %s has data type %s, must be FLOAT or DOUBLE".formatted(name(), dataType));
      }
      kernel = layerConf().kernel(dataType);
    }
    return kernel;
  }

  @Override
  public long nativeBytes() {
    return kernel == null ? 0 : kernel.nativeBytes();
  }

  /** Frees native memory; the next pass takes it again. */
  @Override
  public void close() {
    if (kernel != null) {
      kernel.close();
      kernel = null;
    }
  }

  /** The flat parameters, or with weight noise (DropConnect) a noisy copy. */
  private Pointer parameters(boolean training, LayerWorkspaceMgr workspaces) {
    if (layerConf().getWeightNoise() == null) {
      return Series.memory(paramsFlattened);
    }
    if (noisy == null) {
      try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
        noisy = Nd4j.createUninitialized(dataType, paramsFlattened.length());
      }
    }
    Map<String, INDArray> views = layerConf().initializer().getGradientsFromFlattened(conf, noisy);
    views.forEach((key, view) -> view.assign(getParamWithNoise(key, training, workspaces)));
    return Series.memory(noisy);
  }

  String name() {
    String name = layerConf().getLayerName();
    return name == null ? Integer.toString(index) : name;
  }

  @Override
  public boolean isPretrainLayer() {
    return false;
  }

  /** Where what comes out has no time, the mask ends. */
  @Override
  public Pair<INDArray, MaskState> feedForwardMaskArray(
      INDArray mask, MaskState state, int batchSize) {
    setMaskArray(mask);
    return Pair.of(layerConf().keepsTime() ? mask : null, state);
  }

  @Override
  public String toString() {
    return "%s %s".formatted(layerConf(), Arrays.toString(paramsFlattened.shape()));
  }
}
