package io.sluice.recurrent.model;

import io.sluice.recurrent.head.VocabularyOutput;
import io.sluice.recurrent.layer.StockLayers;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.LayerGroup;
import io.sluice.recurrent.optim.RowBlock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.function.IntFunction;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.regularization.Regularization;

/**
 * Where a {@link ModelSpec} becomes a DL4J network, whole or in part: the parameters it begins
 * with, its updater and the groups of its layers. What its layers are is {@link NetworkLayers}'s.
 */
public final class Networks {
  private Networks() {}

  /**
   * A network with fresh parameters: Xavier weights, orthogonal recurrent weights, zero biases but
   * the forget gate's.
   *
   * @param seed of the parameters; the same seed gives the same parameters
   */
  public static MultiLayerNetwork create(ModelSpec spec, OptimizerSpec optimizer, long seed) {
    var network =
        new MultiLayerNetwork(
            configuration(
                spec,
                optimizer.updater(rows(spec), optimizer.layerRates().groups(spec)),
                rules(spec, optimizer),
                notZero(seed),
                DataType.FLOAT));
    network.init();
    GlobalNormClipping.requireOneBlock(network);
    return network;
  }

  /** ND4J takes a seed of 0 for "none" and draws one from the clock. */
  private static long notZero(long seed) {
    return seed == 0 ? Long.MIN_VALUE : seed;
  }

  /**
   * Some consecutive layers of the network that {@link #create} makes, as a network of their own:
   * its flat parameters are theirs in the whole one's. Where the head is not among them it only
   * holds parameters and optimizer.
   *
   * @param seed of the whole network, which the weights that it drops follow from
   * @param from first of DL4J's layers, from 0
   * @param to after the last one
   * @param below put under them, and a head that is tied to an embedding then has its weights among
   *     its own parameters; null is none
   * @param parameters (1, P) to be the network's own, as they are; null makes fresh ones, which are
   *     not those of the whole network
   */
  public static MultiLayerNetwork part(
      ModelSpec spec,
      OptimizerSpec optimizer,
      long seed,
      int from,
      int to,
      Layer below,
      INDArray parameters) {
    MultiLayerConfiguration whole =
        configuration(
            spec,
            optimizer.updater(
                from == 0 ? rows(spec) : null, groupsOfPart(spec, optimizer, from, to)),
            rules(spec, optimizer),
            notZero(seed),
            DataType.FLOAT);
    var confs = new ArrayList<>(whole.getConfs().subList(from, to));
    int shift = from;
    if (below != null) {
      NeuralNetConfiguration bottom = confs.get(0).clone();
      bottom.setLayer(below);
      bottom.clearVariables();
      confs.add(0, bottom);
      shift--;
      untie(confs);
    }
    var preprocessors = new HashMap<Integer, InputPreProcessor>();
    for (var each : whole.getInputPreProcessors().entrySet()) {
      if (each.getKey() >= from && each.getKey() < to) {
        preprocessors.put(each.getKey() - shift, each.getValue());
      }
    }
    whole.setConfs(confs);
    whole.setInputPreProcessors(preprocessors);
    var network = new MultiLayerNetwork(whole);
    if (parameters == null) {
      network.init();
      GlobalNormClipping.requireOneBlock(network);
    } else {
      network.init(parameters, false);
    }
    return network;
  }

  private static void untie(List<NeuralNetConfiguration> confs) {
    NeuralNetConfiguration top = confs.get(confs.size() - 1);
    if (top.getLayer() instanceof VocabularyOutput head && head.getTiedBehind() > 0) {
      NeuralNetConfiguration own = top.clone();
      own.setLayer(head.untied());
      own.clearVariables();
      confs.set(confs.size() - 1, own);
    }
  }

  /** Those of the whole network, where the part's parameters lie among theirs. */
  private static List<LayerGroup> groupsOfPart(
      ModelSpec spec, OptimizerSpec optimizer, int from, int to) {
    List<LayerGroup> groups = optimizer.layerRates().groups(spec);
    if (groups.isEmpty()) {
      return groups;
    }
    long start = parametersBelow(spec, from);
    long end = parametersBelow(spec, to);
    return groups.stream()
        .map(group -> group.within(start, end))
        .filter(group -> group.from() < group.to())
        .toList();
  }

  /**
   * @param layer of DL4J's: a recurrent one, the first above these, or after the last
   */
  private static long parametersBelow(ModelSpec spec, int layer) {
    return ModelSummary.of(spec).layers().stream()
        .limit(layer)
        .mapToLong(ModelSummary.LayerSummary::parameters)
        .sum();
  }

  /** Weight decay of the layers of each group, lowest first; of all where there is none. */
  private static IntFunction<List<Regularization>> rules(ModelSpec spec, OptimizerSpec optimizer) {
    List<LayerGroup> groups = optimizer.layerRates().groups(spec);
    return group -> optimizer.regularization(groups.isEmpty() ? null : groups.get(group));
  }

  /** Rows that the parameters begin with, few of which have a gradient in a step; null is none. */
  private static RowBlock rows(ModelSpec spec) {
    WordEmbedding embedding = spec.embedding();
    return spec.hasEmbedding() && !embedding.tied()
        ? new RowBlock(embedding.words(), embedding.size())
        : null;
  }

  /** DL4J's layers below the recurrent ones. */
  public static int layersBelowRecurrent(ModelSpec spec) {
    return spec.hasEmbedding() ? 1 : 0;
  }

  /** DL4J's layers of one recurrent layer of a description. */
  public static int layersOfRecurrent(ModelSpec spec) {
    return spec.layerNorm() ? 2 : 1;
  }

  /** DL4J's layers of the whole network. */
  public static int layers(ModelSpec spec) {
    return NetworkLayers.of(spec, group -> List.of()).size();
  }

  /**
   * A network as {@link #create} would make it with the parameters of one that was saved: the
   * network itself, or, if it was saved with DL4J's own recurrent layers or its {@code
   * Bidirectional}, its conversion.
   */
  public static MultiLayerNetwork upToDate(ModelSpec spec, MultiLayerNetwork saved) {
    if (!StockLayers.areIn(saved)) {
      return saved;
    }
    MultiLayerNetwork network = create(spec, OptimizerSpec.constantAdam(1), 1);
    List<org.deeplearning4j.nn.api.Layer> from = withParameters(saved);
    List<org.deeplearning4j.nn.api.Layer> to = withParameters(network);
    if (from.size() != to.size()) {
      throw new IllegalArgumentException(
          "Cannot convert a network of DL4J's own layers: it has %d layers with parameters, its description %d. Train the model again."
              .formatted(from.size(), to.size()));
    }
    for (int l = 0; l < to.size(); l++) {
      if (l < spec.hiddenSizes().size()) {
        StockLayers.copy(from.get(l), to.get(l));
      } else {
        to.get(l).setParams(from.get(l).params());
      }
    }
    return network;
  }

  private static List<org.deeplearning4j.nn.api.Layer> withParameters(MultiLayerNetwork network) {
    return Arrays.stream(network.getLayers()).filter(layer -> layer.numParams() > 0).toList();
  }

  /**
   * @param rules of regularisation, by group of layers
   */
  static MultiLayerConfiguration configuration(
      ModelSpec spec,
      IUpdater updater,
      IntFunction<List<Regularization>> rules,
      long seed,
      DataType type) {
    var list =
        new NeuralNetConfiguration.Builder()
            .seed(seed)
            .dataType(type)
            .updater(updater)
            .weightInit(WeightInit.XAVIER)
            .list();
    NetworkLayers.of(spec, rules).forEach(list::layer);
    return list.setInputType(InputType.recurrent(spec.inputSize(), spec.lookBack())).build();
  }
}
