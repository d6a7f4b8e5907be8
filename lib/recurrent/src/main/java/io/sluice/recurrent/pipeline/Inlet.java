package io.sluice.recurrent.pipeline;

import java.util.Collection;
import java.util.function.Consumer;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.NoParamLayer;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.AbstractLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The lowest layer of a network whose lower part is elsewhere: passes its input on, and the
 * gradient that comes back to whoever computes that part. DL4J computes the gradient of a network's
 * input and throws it away.
 */
final class Inlet extends NoParamLayer {
  private static final long serialVersionUID = 1L;

  private final transient Consumer<INDArray> arrived;

  /**
   * @param arrived given ∂L/∂input, in the input's shape, at each backward pass
   */
  Inlet(Consumer<INDArray> arrived) {
    this.arrived = arrived;
    setLayerName("inlet");
  }

  @Override
  public Layer instantiate(
      NeuralNetConfiguration conf,
      Collection<TrainingListener> listeners,
      int index,
      INDArray parametersView,
      boolean initialize,
      DataType dataType) {
    var layer = new Passing(conf, dataType, arrived);
    layer.setListeners(listeners);
    layer.setIndex(index);
    return layer;
  }

  @Override
  public InputType getOutputType(int index, InputType inputType) {
    return inputType;
  }

  @Override
  public InputPreProcessor getPreProcessorForInputType(InputType inputType) {
    return null;
  }

  @Override
  public LayerMemoryReport getMemoryReport(InputType inputType) {
    return new LayerMemoryReport.Builder(getLayerName(), Inlet.class, inputType, inputType)
        .standardMemory(0, 0)
        .workingMemory(0, 0, 0, 0)
        .cacheMemory(0, 0)
        .build();
  }

  @Override
  @SuppressWarnings("MissingSuperCall") // has no state of its own
  public Inlet clone() {
    return new Inlet(arrived);
  }

  private static final class Passing extends AbstractLayer<Inlet> {
    private static final long serialVersionUID = 1L;

    private final transient Consumer<INDArray> arrived;

    Passing(NeuralNetConfiguration conf, DataType dataType, Consumer<INDArray> arrived) {
      super(conf, dataType);
      this.arrived = arrived;
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
      assertInputSet(false);
      // DL4J wants activations in its workspace; the copy keeps the order of memory
      return workspaces.dup(ArrayType.ACTIVATIONS, input.permute(2, 0, 1), 'c').permute(1, 2, 0);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(
        INDArray epsilon, LayerWorkspaceMgr workspaces) {
      arrived.accept(epsilon);
      return Pair.of(new DefaultGradient(), null);
    }

    @Override
    public Pair<INDArray, MaskState> feedForwardMaskArray(
        INDArray mask, MaskState state, int batchSize) {
      setMaskArray(mask);
      // as a recurrent layer says it of what it puts out
      return Pair.of(mask, MaskState.Passthrough);
    }

    @Override
    public boolean isPretrainLayer() {
      return false;
    }

    @Override
    public void clearNoiseWeightParams() {
      // has none
    }
  }
}
