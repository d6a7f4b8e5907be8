package io.sluice.recurrent.layer;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.CellShape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Gives a {@link Recurrent} layer's parameters their first values, and names the parts of the flat
 * arrays. The flat array of a layer is the block that {@link CellShape} describes, so a kernel
 * takes it as it is; a matrix of it is row-major (G·H, I) there and an 'f'-ordered (I, G·H) here.
 */
final class RecurrentParameters implements ParamInitializer {
  static final RecurrentParameters INSTANCE = new RecurrentParameters();

  private static final Set<String> WEIGHTS = Set.of("W", "RW");

  private RecurrentParameters() {}

  @Override
  public long numParams(NeuralNetConfiguration conf) {
    return numParams(conf.getLayer());
  }

  @Override
  public long numParams(Layer layer) {
    return ((Recurrent) layer).shape().parameterCount();
  }

  @Override
  public List<String> paramKeys(Layer layer) {
    return ((Recurrent) layer)
        .shape().parameters().stream().map(CellShape.Parameter::name).toList();
  }

  @Override
  public List<String> weightKeys(Layer layer) {
    return paramKeys(layer).stream().filter(WEIGHTS::contains).toList();
  }

  @Override
  public List<String> biasKeys(Layer layer) {
    return paramKeys(layer).stream().filter(key -> !WEIGHTS.contains(key)).toList();
  }

  @Override
  public boolean isWeightParam(Layer layer, String key) {
    return WEIGHTS.contains(key);
  }

  @Override
  public boolean isBiasParam(Layer layer, String key) {
    return !WEIGHTS.contains(key);
  }

  @Override
  public Map<String, INDArray> getGradientsFromFlattened(
      NeuralNetConfiguration conf, INDArray gradientView) {
    return views(((Recurrent) conf.getLayer()).shape(), gradientView);
  }

  @Override
  public Map<String, INDArray> init(
      NeuralNetConfiguration conf, INDArray parametersView, boolean initialize) {
    Recurrent layer = (Recurrent) conf.getLayer();
    CellShape shape = layer.shape();
    Map<String, INDArray> views = views(shape, parametersView);
    if (initialize) {
      views.values().forEach(view -> view.assign(0));
      initWeights(layer, shape, parametersView);
      initRecurrentWeights(layer, shape, parametersView, views.get("RW"));
      initVectors(layer, shape, views);
    }
    shape.parameters().forEach(parameter -> conf.addVariable(parameter.name()));
    return views;
  }

  private static void initWeights(Recurrent layer, CellShape shape, INDArray block) {
    CellShape.Parameter W = shape.parameter("W");
    layer
        .getWeightInitFn()
        .init(
            shape.inputSize(),
            shape.hiddenSize(),
            new long[] {W.columns(), W.rows()},
            'f',
            flat(block, W));
  }

  private static void initRecurrentWeights(
      Recurrent layer, CellShape shape, INDArray block, INDArray weights) {
    int H = shape.hiddenSize();
    if (layer.getWeightInitFnRecurrent() != null) {
      layer
          .getWeightInitFnRecurrent()
          .init(H, H, weights.shape(), 'f', flat(block, shape.parameter("RW")));
      return;
    }
    for (int gate = 0; gate < shape.cell().gates(); gate++) {
      INDArray gateBlock =
          weights.get(NDArrayIndex.all(), NDArrayIndex.interval((long) gate * H, (gate + 1L) * H));
      gateBlock.assign(orthogonal(H).castTo(weights.dataType()));
    }
  }

  /**
   * A random orthogonal (H, H) matrix, uniform over all of them: Q of the QR decomposition of
   * normal numbers, with the signs of R's diagonal (Mezzadri 2007).
   */
  static INDArray orthogonal(int H) {
    INDArray Q = Nd4j.randn(DataType.FLOAT, H, H).dup('f');
    INDArray R = Nd4j.create(DataType.FLOAT, new long[] {H, H}, 'f');
    // LAPACK's; that of Nd4j.linalg() takes gigabytes at H = 2000
    Nd4j.getBlasWrapper().lapack().geqrf(Q, R);
    return Q.muliRowVector(Nd4j.math().sign(Nd4j.diag(R)));
  }

  private static void initVectors(Recurrent layer, CellShape shape, Map<String, INDArray> views) {
    int H = shape.hiddenSize();
    Cell cell = shape.cell();
    if (cell.hasCellState()) {
      views.get("b").get(NDArrayIndex.interval(H, 2L * H)).assign(layer.getForgetBias());
    }
    for (String gain : List.of("gainX", "gainH", "gainC")) {
      if (views.containsKey(gain)) {
        views.get(gain).assign(1);
      }
    }
  }

  private static Map<String, INDArray> views(CellShape shape, INDArray block) {
    var views = new LinkedHashMap<String, INDArray>();
    for (CellShape.Parameter parameter : shape.parameters()) {
      INDArray view = flat(block, parameter);
      views.put(
          parameter.name(),
          parameter.columns() == 1 && !WEIGHTS.contains(parameter.name())
              ? view
              : view.reshape('f', parameter.columns(), parameter.rows()));
    }
    return views;
  }

  private static INDArray flat(INDArray block, CellShape.Parameter parameter) {
    long end = parameter.offset() + parameter.length();
    return block.reshape(block.length()).get(NDArrayIndex.interval(parameter.offset(), end));
  }
}
