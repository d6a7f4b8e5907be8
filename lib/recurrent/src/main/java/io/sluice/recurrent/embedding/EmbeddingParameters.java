package io.sluice.recurrent.embedding;

import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The only parameter of an {@link Embedding}, {@code W} (V, E): row-major, an id's row a block. */
final class EmbeddingParameters implements ParamInitializer {
  static final EmbeddingParameters INSTANCE = new EmbeddingParameters();

  static final String W = "W";

  private EmbeddingParameters() {}

  @Override
  public long numParams(NeuralNetConfiguration conf) {
    return numParams(conf.getLayer());
  }

  @Override
  public long numParams(Layer layer) {
    Embedding embedding = (Embedding) layer;
    return Math.multiplyExact(embedding.getNIn(), embedding.getNOut());
  }

  @Override
  public List<String> paramKeys(Layer layer) {
    return List.of(W);
  }

  @Override
  public List<String> weightKeys(Layer layer) {
    return List.of(W);
  }

  @Override
  public List<String> biasKeys(Layer layer) {
    return List.of();
  }

  @Override
  public boolean isWeightParam(Layer layer, String key) {
    return W.equals(key);
  }

  @Override
  public boolean isBiasParam(Layer layer, String key) {
    return false;
  }

  @Override
  public Map<String, INDArray> getGradientsFromFlattened(
      NeuralNetConfiguration conf, INDArray gradientView) {
    Embedding embedding = (Embedding) conf.getLayer();
    return Map.of(W, gradientView.reshape('c', embedding.getNIn(), embedding.getNOut()));
  }

  @Override
  public Map<String, INDArray> init(
      NeuralNetConfiguration conf, INDArray parametersView, boolean initialize) {
    Embedding embedding = (Embedding) conf.getLayer();
    if (initialize) {
      long[] shape = {embedding.getNIn(), embedding.getNOut()};
      embedding
          .getWeightInitFn()
          .init(embedding.getNIn(), embedding.getNOut(), shape, 'c', parametersView);
    }
    conf.addVariable(W);
    return getGradientsFromFlattened(conf, parametersView);
  }
}
