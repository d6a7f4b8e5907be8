package io.sluice.recurrent.head;

import java.util.Collection;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.LayerValidation;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What the heads with parameters have in common: as many outputs as inputs, and a kernel. */
abstract class TimeHead extends FeedForwardLayer implements WithHeadParameters {
  private static final long serialVersionUID = 1L;

  /** For DL4J's JSON. */
  TimeHead() {}

  TimeHead(FeedForwardLayer.Builder<?> builder) {
    super(builder);
    if (nOut != 0 && nOut != nIn) {
      throw new IllegalArgumentException(
          "Layer %s has as many outputs as inputs, but nIn is %d and nOut is %d; leave nOut out"
              .formatted(getLayerName(), nIn, nOut));
    }
    nOut = nIn;
    initializeConstraints(builder);
  }

  abstract HeadKernel kernel(DataType dataType);

  /** Whether an output belongs to each time step. */
  abstract boolean keepsTime();

  /** Numbers kept for backward, of one sequence. */
  abstract long keptNumbers(long T);

  final int inputs() {
    return Math.toIntExact(nIn);
  }

  @Override
  public Layer instantiate(
      NeuralNetConfiguration conf,
      Collection<TrainingListener> listeners,
      int index,
      INDArray parametersView,
      boolean initialize,
      DataType dataType) {
    LayerValidation.assertNInNOutSet(
        getClass().getSimpleName(), getLayerName(), index, getNIn(), getNOut());
    var layer = new TimeHeadLayer(conf, dataType);
    layer.setListeners(listeners);
    layer.setIndex(index);
    layer.setParamsViewArray(parametersView);
    layer.setParamTable(initializer().init(conf, parametersView, initialize));
    layer.setConf(conf);
    return layer;
  }

  @Override
  public ParamInitializer initializer() {
    return HeadParameters.INSTANCE;
  }

  @Override
  public void setNIn(InputType inputType, boolean override) {
    if (nIn <= 0 || override) {
      nIn = series(getLayerName(), inputType).getSize();
      nOut = nIn;
    }
  }

  @Override
  public InputType getOutputType(int index, InputType inputType) {
    InputType.InputTypeRecurrent series = series(getLayerName(), inputType);
    return keepsTime()
        ? InputType.recurrent(nOut, series.getTimeSeriesLength())
        : InputType.feedForward(nOut);
  }

  @Override
  public InputPreProcessor getPreProcessorForInputType(InputType inputType) {
    series(getLayerName(), inputType);
    return null;
  }

  @Override
  public LayerMemoryReport getMemoryReport(InputType inputType) {
    long T = Math.max(1, series(getLayerName(), inputType).getTimeSeriesLength());
    long parameters = initializer().numParams(this);
    return new LayerMemoryReport.Builder(
            getLayerName(), getClass(), inputType, getOutputType(-1, inputType))
        .standardMemory(parameters, getIUpdater().stateSize(parameters))
        .workingMemory(0, keptNumbers(T), 0, 2 * keptNumbers(T))
        .cacheMemory(0, 0)
        .build();
  }

  /** The type of a recurrent layer's outputs. */
  static InputType.InputTypeRecurrent series(String layer, InputType inputType) {
    if (inputType instanceof InputType.InputTypeRecurrent series
        && series.getFormat() != RNNFormat.NWC) {
      return series;
    }
    throw new IllegalStateException(
        "Layer %s takes the outputs (B, H, T) of a recurrent layer, but its input is %s"
            .formatted(layer, inputType));
  }
}
