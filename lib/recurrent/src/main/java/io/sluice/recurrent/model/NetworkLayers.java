package io.sluice.recurrent.model;

import io.sluice.recurrent.dropout.ExampleDropout;
import io.sluice.recurrent.embedding.Embedding;
import io.sluice.recurrent.head.ActivationRegularization;
import io.sluice.recurrent.head.AdditiveAttention;
import io.sluice.recurrent.head.LayerNormalization;
import io.sluice.recurrent.head.MultiHeadSelfAttention;
import io.sluice.recurrent.head.TimePooling;
import io.sluice.recurrent.head.VocabularyOutput;
import io.sluice.recurrent.layer.BidirectionalRecurrent;
import io.sluice.recurrent.layer.LastStep;
import io.sluice.recurrent.layer.Recurrent;
import io.sluice.recurrent.loss.PinballLoss;
import io.sluice.recurrent.optim.DecoupledWeightDecay;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;

/**
 * The layers of a {@link ModelSpec}, from the embedding to the head, as DL4J's.
 *
 * <p>Choices that follow from DL4J 1.0.0-M2.1:
 *
 * <ul>
 *   <li>Dropout works on a layer's <i>input</i>, so dropout between layers is set on every layer
 *       but the first. Attention has none of its own: the head's drops what attention puts out.
 *   <li>What is dropped of an example has to be a matter of the example ({@link ExampleDropout});
 *       DL4J's {@code Dropout} and {@code SpatialDropout}, which networks of before have and keep,
 *       draw from one generator for all.
 *   <li>The loss of an output at every step is divided by T, because DL4J sums over time steps and
 *       a loss here is a mean over them; that of classes by the T of each batch, because streams of
 *       words are cut where it pleases.
 *   <li>Weight decay is set on each layer: set on the whole network it is applied twice ({@code
 *       LayerValidation} adds it to layers that have it already).
 *   <li>Labels of classes are ids, whatever the number of classes: the head is {@link
 *       VocabularyOutput}, whose parameters are those of DL4J's output layers.
 *   <li>A head is tied to the embedding by the place of its parameters, because a layer of DL4J's
 *       knows no other; {@link ModelSummary} counts what lies between.
 * </ul>
 */
final class NetworkLayers {
  private NetworkLayers() {}

  /**
   * @param rules of regularisation, by group of layers, lowest first
   */
  static List<Layer> of(ModelSpec spec, IntFunction<List<Regularization>> rules) {
    var layers = new ArrayList<Layer>();
    int below = Networks.layersBelowRecurrent(spec);
    if (spec.hasEmbedding()) {
      layers.add(embedding(spec.embedding(), rules.apply(0)));
    }
    int top = spec.hiddenSizes().size() - 1;
    List<Regularization> regularization = rules.apply(below + top + 1);
    for (int l = 0; l <= top; l++) {
      Recurrent cell = cell(spec, spec.hiddenSizes().get(l));
      cell.setLayerName("recurrent-" + l);
      double dropped = l > 0 ? spec.dropout() : spec.regularizers().inputDropout();
      if (dropped > 0) {
        cell.setIDropout(dropout(dropped, cell, spec.variationalDropout()));
      }
      cell.setRegularization(new ArrayList<>(rules.apply(below + l)));
      layers.add(spec.bidirectional() ? new BidirectionalRecurrent(cell) : cell);
      if (spec.layerNorm()) {
        layers.add(new LayerNormalization.Builder().name("layer-norm-" + l).build());
      }
    }
    if (spec.regularizers().addsToLoss()) {
      var added =
          new ActivationRegularization.Builder(
                  spec.regularizers().activation(), spec.regularizers().temporal())
              .name("activation-regularization")
              .build();
      if (dropsBelowHead(spec)) {
        drop(added, spec.headDropout(), dropsSeriesOfHead(spec));
      }
      layers.add(added);
    }
    layers.addAll(overTime(spec, regularization));
    for (int d = 0; d < spec.denseSizes().size(); d++) {
      var dense =
          new DenseLayer.Builder()
              .name("dense-" + d)
              .nOut(spec.denseSizes().get(d))
              .activation(Activation.RELU)
              .build();
      drop(dense, spec.dropout(), false);
      dense.setRegularization(new ArrayList<>(regularization));
      layers.add(dense);
    }
    if (spec.hasProjection()) {
      layers.add(projection(spec, regularization));
    }
    FeedForwardLayer head = head(spec);
    if (!dropsBelowHead(spec)) {
      drop(head, spec.headDropout(), dropsSeriesOfHead(spec));
    }
    head.setRegularization(new ArrayList<>(regularization));
    layers.add(head);
    return layers;
  }

  /** Rows of which few learn in a step decay only then. */
  private static Embedding embedding(WordEmbedding embedding, List<Regularization> regularization) {
    var layer =
        new Embedding.Builder()
            .name("embedding")
            .nIn(embedding.words())
            .nOut(embedding.size())
            .frozen(embedding.frozen())
            .tied(embedding.tied())
            .wordDropout(embedding.wordDropout())
            .adversarialEpsilon(embedding.adversarialEpsilon())
            .build();
    var rules = new ArrayList<Regularization>();
    for (Regularization rule : regularization) {
      rules.add(
          rule instanceof DecoupledWeightDecay decay && !embedding.tied()
              ? decay.ofRows(embedding.size())
              : rule);
    }
    layer.setRegularization(rules);
    return layer;
  }

  /**
   * To the size of the embedding that the head is tied to. It drops nothing of its input: over time
   * DL4J hands it rows in another order than dropout has to know.
   */
  private static Layer projection(ModelSpec spec, List<Regularization> regularization) {
    var linear =
        new DenseLayer.Builder()
            .name("projection")
            .nIn(spec.headInputs())
            .nOut(spec.embedding().size())
            .activation(Activation.IDENTITY)
            .build();
    linear.setRegularization(new ArrayList<>(regularization));
    if (spec.output() != ModelSpec.Output.SEQUENCE) {
      return linear;
    }
    var atEveryStep = new TimeDistributed(linear, RNNFormat.NCW);
    atEveryStep.setLayerName(linear.getLayerName());
    return atEveryStep;
  }

  /** What stands between the recurrent layers and the head. */
  private static List<Layer> overTime(ModelSpec spec, List<Regularization> regularization) {
    var layers = new ArrayList<Layer>();
    Attention attention = spec.attention();
    if (attention.kind() == Attention.Kind.ADDITIVE) {
      var additive =
          new AdditiveAttention.Builder().name("attention").attentionSize(attention.size()).build();
      additive.setRegularization(new ArrayList<>(regularization));
      layers.add(additive);
      return layers;
    }
    if (attention.kind() == Attention.Kind.SELF_ATTENTION) {
      var self =
          new MultiHeadSelfAttention.Builder(attention.heads())
              .name("attention")
              .residual(true)
              .build();
      self.setRegularization(new ArrayList<>(regularization));
      layers.add(self);
    }
    switch (spec.output()) {
      case LAST -> layers.add(new LastStep(spec.bidirectional()));
      case MEAN -> layers.add(pooling(TimePooling.Kind.MEAN, spec));
      case MAX -> layers.add(pooling(TimePooling.Kind.MAX, spec));
      case CONCAT -> layers.add(pooling(TimePooling.Kind.CONCAT, spec));
      case SEQUENCE -> {
        // the head takes every step
      }
    }
    return layers;
  }

  private static TimePooling pooling(TimePooling.Kind kind, ModelSpec spec) {
    return new TimePooling.Builder(kind)
        .name("pooling")
        .bothDirections(kind == TimePooling.Kind.CONCAT && spec.bidirectional())
        .build();
  }

  private static Recurrent cell(ModelSpec spec, int units) {
    return new Recurrent.Builder(spec.cell())
        .nOut(units)
        .forgetBias(spec.forgetBias())
        .precision(spec.precision())
        .recurrentDropout(spec.recurrentDropout())
        .weightDropout(spec.regularizers().weightDropout())
        .build();
  }

  private static void drop(Layer layer, double dropped, boolean oncePerSeries) {
    if (dropped > 0) {
      layer.setIDropout(dropout(dropped, layer, oncePerSeries));
    }
  }

  private static ExampleDropout dropout(double dropped, Layer layer, boolean oncePerSeries) {
    return new ExampleDropout(1 - dropped, layer.getLayerName(), oncePerSeries);
  }

  /**
   * Whether the layer that adds to the loss drops for the head right above it, because it is the
   * head's input whose size it weighs.
   */
  private static boolean dropsBelowHead(ModelSpec spec) {
    return spec.regularizers().addsToLoss()
        && spec.output() == ModelSpec.Output.SEQUENCE
        && spec.attention().kind() == Attention.Kind.NONE
        && spec.denseSizes().isEmpty()
        && !spec.hasProjection();
  }

  /**
   * Whether what the head drops is the same at all steps. DL4J's own heads over time, of numbers,
   * drop of rows that are no series any more.
   */
  private static boolean dropsSeriesOfHead(ModelSpec spec) {
    return spec.variationalDropout()
        && spec.output() == ModelSpec.Output.SEQUENCE
        && spec.head().kind() == Head.Kind.CLASSES;
  }

  private static FeedForwardLayer head(ModelSpec spec) {
    Head head = spec.head();
    boolean sequence = spec.output() == ModelSpec.Output.SEQUENCE;
    double lossScale = sequence ? 1.0 / spec.lookBack() : 1;
    return switch (head.kind()) {
      case REGRESSION ->
          numbers(
              head,
              sequence,
              lossScale == 1
                  ? new LossMSE()
                  : new LossMSE(constant(head.networkOutputs(), lossScale)));
      case QUANTILES -> numbers(head, sequence, new PinballLoss(head.quantiles(), lossScale));
      case CLASSES -> classes(spec);
    };
  }

  private static FeedForwardLayer numbers(Head head, boolean sequence, ILossFunction loss) {
    return sequence
        ? new RnnOutputLayer.Builder(loss)
            .name("head")
            .nOut(head.networkOutputs())
            .activation(Activation.IDENTITY)
            .build()
        : new OutputLayer.Builder(loss)
            .name("head")
            .nOut(head.networkOutputs())
            .activation(Activation.IDENTITY)
            .build();
  }

  private static FeedForwardLayer classes(ModelSpec spec) {
    Head head = spec.head();
    var layer =
        new VocabularyOutput.Builder()
            .name("head")
            .nOut(head.outputs())
            .meanOverTime(spec.output() == ModelSpec.Output.SEQUENCE)
            .adaptive(head.adaptive())
            .precision(spec.headPrecision());
    if (!head.classWeights().isEmpty()) {
      layer.classWeights(head.classWeights().stream().mapToDouble(Double::doubleValue).toArray());
    }
    if (spec.embedding().tied()) {
      List<ModelSummary.LayerSummary> all = ModelSummary.of(spec).layers();
      layer.tiedBehind(
          all.subList(0, all.size() - 1).stream()
              .mapToLong(ModelSummary.LayerSummary::parameters)
              .sum());
    }
    return layer.build();
  }

  private static INDArray constant(int size, double value) {
    return Nd4j.valueArrayOf(new long[] {1, size}, value, DataType.FLOAT);
  }
}
