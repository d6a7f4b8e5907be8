package io.sluice.recurrent.head;

import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** All that a {@link VocabularyOutput} has of its own where its weights are an embedding's. */
final class TiedParameters implements ParamInitializer {
  static final TiedParameters INSTANCE = new TiedParameters();

  private static final String BIAS = "b";

  private TiedParameters() {}

  @Override
  public long numParams(NeuralNetConfiguration conf) {
    return numParams(conf.getLayer());
  }

  @Override
  public long numParams(Layer layer) {
    return ((VocabularyOutput) layer).classes();
  }

  @Override
  public List<String> paramKeys(Layer layer) {
    return List.of(BIAS);
  }

  @Override
  public List<String> weightKeys(Layer layer) {
    return List.of();
  }

  @Override
  public List<String> biasKeys(Layer layer) {
    return List.of(BIAS);
  }

  @Override
  public boolean isWeightParam(Layer layer, String key) {
    return false;
  }

  @Override
  public boolean isBiasParam(Layer layer, String key) {
    return BIAS.equals(key);
  }

  @Override
  public Map<String, INDArray> getGradientsFromFlattened(
      NeuralNetConfiguration conf, INDArray gradientView) {
    return Map.of(BIAS, gradientView.reshape(1, gradientView.length()));
  }

  @Override
  public Map<String, INDArray> init(
      NeuralNetConfiguration conf, INDArray parametersView, boolean initialize) {
    if (initialize) {
      parametersView.assign(((VocabularyOutput) conf.getLayer()).getBiasInit());
    }
    conf.addVariable(BIAS);
    return getGradientsFromFlattened(conf, parametersView);
  }
}
