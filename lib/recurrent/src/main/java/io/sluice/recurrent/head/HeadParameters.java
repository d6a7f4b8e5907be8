package io.sluice.recurrent.head;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Names the parts of a head's flat arrays and gives the parameters their first values: weights by
 * the layer's weight initialisation, biases its {@code biasInit}, gains 1. DL4J counts gains as
 * biases: they have no weight decay.
 */
final class HeadParameters implements ParamInitializer {
  static final HeadParameters INSTANCE = new HeadParameters();

  private HeadParameters() {}

  private static List<HeadParameter> of(Layer layer) {
    return ((WithHeadParameters) layer).parameters();
  }

  @Override
  public long numParams(NeuralNetConfiguration conf) {
    return numParams(conf.getLayer());
  }

  @Override
  public long numParams(Layer layer) {
    return of(layer).stream().mapToLong(HeadParameter::length).sum();
  }

  @Override
  public List<String> paramKeys(Layer layer) {
    return of(layer).stream().map(HeadParameter::name).toList();
  }

  @Override
  public List<String> weightKeys(Layer layer) {
    return of(layer).stream().filter(HeadParameter::isWeight).map(HeadParameter::name).toList();
  }

  @Override
  public List<String> biasKeys(Layer layer) {
    return of(layer).stream().filter(p -> !p.isWeight()).map(HeadParameter::name).toList();
  }

  @Override
  public boolean isWeightParam(Layer layer, String key) {
    return weightKeys(layer).contains(key);
  }

  @Override
  public boolean isBiasParam(Layer layer, String key) {
    return biasKeys(layer).contains(key);
  }

  @Override
  public Map<String, INDArray> getGradientsFromFlattened(
      NeuralNetConfiguration conf, INDArray gradientView) {
    var views = new LinkedHashMap<String, INDArray>();
    INDArray flat = gradientView.reshape(gradientView.length());
    long start = 0;
    for (HeadParameter parameter : of(conf.getLayer())) {
      INDArray part = flat.get(NDArrayIndex.interval(start, start + parameter.length()));
      views.put(
          parameter.name(),
          parameter.isWeight() ? part.reshape('f', parameter.inputs(), parameter.outputs()) : part);
      start += parameter.length();
    }
    return views;
  }

  @Override
  public Map<String, INDArray> init(
      NeuralNetConfiguration conf, INDArray parametersView, boolean initialize) {
    var layer = (BaseLayer) conf.getLayer();
    Map<String, INDArray> views = getGradientsFromFlattened(conf, parametersView);
    for (HeadParameter parameter : of(layer)) {
      conf.addVariable(parameter.name());
      if (initialize) {
        INDArray view = views.get(parameter.name());
        if (parameter.isWeight()) {
          layer
              .getWeightInitFn()
              .init(parameter.inputs(), parameter.outputs(), view.shape(), 'f', view);
        } else {
          view.assign(parameter.isGain() ? 1 : layer.getBiasInit());
        }
      }
    }
    return views;
  }
}
