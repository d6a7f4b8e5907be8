package io.sluice.recurrent.embedding;

import io.sluice.recurrent.dropout.WordDropout;
import io.sluice.recurrent.layer.TimeChunk;
import io.sluice.recurrent.layer.TimeMajor;
import io.sluice.recurrent.pass.TrainingPass;
import java.util.Arrays;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.BaseLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runs an {@link Embedding} on its kernel. */
final class EmbeddingLayer extends BaseLayer<Embedding> implements RowGradient, AdversarialInput {
  private static final long serialVersionUID = 1L;

  private final transient TimeMajor arriving = new TimeMajor();
  private final transient WordIds reader = new WordIds();
  private transient EmbeddingKernel kernel;
  private transient WordDropout dropout;

  /** (T·B) of the last forward pass: row t·B + b is time step t of sequence b. */
  private transient int[] ids = new int[0];

  private transient float[] factors = new float[0];
  private transient int rows;
  private transient boolean isDropped;

  /** Null unless asked for. */
  private transient TouchedRows touched;

  private transient Perturbation perturbation;
  private transient boolean isMoved;

  EmbeddingLayer(NeuralNetConfiguration conf, DataType dataType) {
    super(conf, dataType);
  }

  @Override
  public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
    assertInputSet(false);
    if (input.rank() != 3 || input.size(1) != 1 || input.length() == 0) {
      throw new IllegalArgumentException(
          "Input of layer %s has shape %s, expected ids (B, 1, T)"
              .formatted(name(), Arrays.toString(input.shape())));
    }
    int B = Math.toIntExact(input.size(0));
    int T = Math.toIntExact(input.size(2));
    rows = Math.multiplyExact(B, T);
    if (ids.length < rows) {
      ids = new int[rows];
    }
    reader.read(name(), layerConf().words(), input, maskArray, ids);
    isDropped = training && layerConf().getWordDropout() > 0;
    if (isDropped) {
      drop(B);
    }
    INDArray y =
        workspaces.createUninitialized(
            ArrayType.ACTIVATIONS, dataType, new long[] {T, B, layerConf().numbers()}, 'c');
    kernel()
        .rows(
            ids,
            rows,
            isDropped ? factors : null,
            TimeMajor.memory(paramsFlattened),
            TimeMajor.memory(y));
    if (training && isAdversarial()) {
      measureOrMove(y);
    }
    return TimeMajor.series(y);
  }

  private void measureOrMove(INDArray y) {
    if (isMoved) {
      perturbation.addTo(whole(y), y);
      return;
    }
    if (perturbation == null) {
      perturbation = new Perturbation(layerConf().getAdversarialEpsilon());
    }
    perturbation.begin(dataType, (int) y.size(1), (int) y.size(0), layerConf().numbers());
    perturbation.measure(whole(y), y, ids);
  }

  /** The whole series of a batch, (T, B, E). */
  private static TimeChunk whole(INDArray y) {
    int T = (int) y.size(0);
    return new TimeChunk(0, T, T, (int) y.size(1), 0, null);
  }

  private void drop(int B) {
    if (dropout == null) {
      dropout = new WordDropout(name(), 1 - layerConf().getWordDropout());
    }
    if (factors.length < rows) {
      factors = new float[rows];
    }
    dropout.draw(ids, rows, B, factors);
  }

  /** Gives no gradient of the ids. */
  @Override
  public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
    TrainingPass.backwardBegins(index);
    Embedding conf = layerConf();
    if (touched == null && !conf.isTied()) {
      gradientsFlattened.assign(0);
    }
    // the layer above a frozen one may give nothing
    if (!conf.isFrozen() && !TrainingPass.isFrozen(index)) {
      INDArray dy = arriving.steps(epsilon.castTo(dataType));
      if (isAdversarial() && !isMoved) {
        perturbation.aim(whole(dy), dy);
      }
      kernel()
          .addGradient(
              ids,
              rows,
              isDropped ? factors : null,
              TimeMajor.memory(dy),
              TimeMajor.memory(gradientsFlattened),
              touched);
    }
    var gradient = new DefaultGradient(gradientsFlattened);
    gradientViews.forEach(gradient::setGradientFor);
    return Pair.of(gradient, null);
  }

  @Override
  public int rows() {
    return layerConf().words();
  }

  @Override
  public int rowSize() {
    return layerConf().numbers();
  }

  /** The output layer that it is tied to touches all. */
  boolean touchesFewRows() {
    return !layerConf().isTied();
  }

  @Override
  public TouchedRows keepTouched() {
    if (!touchesFewRows()) {
      throw new IllegalStateException(
          "Layer %s is tied to an output layer, which touches all rows".formatted(name()));
    }
    if (touched == null) {
      touched = new TouchedRows();
    }
    return touched;
  }

  @Override
  public boolean keepsTouched() {
    return touched != null;
  }

  @Override
  public boolean isFrozen() {
    return layerConf().isFrozen();
  }

  boolean isAdversarial() {
    return layerConf().getAdversarialEpsilon() > 0;
  }

  @Override
  public void move(boolean moved) {
    isMoved = moved;
  }

  private EmbeddingKernel kernel() {
    if (kernel == null) {
      if (dataType != DataType.FLOAT && dataType != DataType.DOUBLE) {
        throw new IllegalArgumentException(
            "Layer %s has data type %s, must be FLOAT or DOUBLE".formatted(name(), dataType));
      }
      kernel = layerConf().kernel(dataType);
    }
    return kernel;
  }

  private String name() {
    String name = layerConf().getLayerName();
    return name == null ? Integer.toString(index) : name;
  }

  @Override
  public boolean isPretrainLayer() {
    return false;
  }

  @Override
  public Type type() {
    return Type.RECURRENT;
  }

  @Override
  public Pair<INDArray, MaskState> feedForwardMaskArray(
      INDArray mask, MaskState state, int batchSize) {
    setMaskArray(mask);
    return Pair.of(mask, state);
  }

  @Override
  public String toString() {
    return layerConf().toString();
  }
}
