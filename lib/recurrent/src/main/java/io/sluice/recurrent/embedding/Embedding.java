package io.sluice.recurrent.embedding;

import io.sluice.recurrent.dropout.WordDropout;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.distribution.UniformDistribution;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.LayerValidation;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.regularization.Regularization;

/**
 * The lowest layer of a network over words: the row of each id.
 *
 * <p><b>Shapes.</b> B sequences, T time steps, a vocabulary of V ids, E numbers a row.
 *
 * <pre>
 * input   (B, 1, T)   ids, whole numbers from 0 to V − 1 in an array of any type that holds them
 * mask    (B, T)      0: the output is 0 and no row is touched, whatever the id
 * output  (B, E, T)   a view of time-major memory, as recurrent layers take it without copying
 * </pre>
 *
 * <p>Float32 holds ids up to 2²⁴ exactly: a larger vocabulary is refused, and so is an id that is
 * no whole number or not in the vocabulary.
 *
 * <p><b>Parameters.</b> {@code W} (V, E), uniform in ±0.1 unless a weight initialisation is set
 * (Merity et al. 2017). Frozen, they have no gradient and no weight decay, but their place in the
 * network's parameters, gradient and optimizer state.
 *
 * <p><b>Word dropout.</b> In training, all occurrences of some words in a sequence are dropped
 * together, those kept are divided by the share kept: {@link WordDropout}.
 *
 * <p><b>Adversarial training.</b> With an ε above 0 a {@code TrainingStep} takes each batch twice,
 * the second time moved to where the loss grows most: {@link AdversarialInput}.
 *
 * <p><b>Tied</b> to an output layer that takes {@code W} for its weights ({@code
 * head.VocabularyOutput}), its gradient is the sum of both: the output layer writes its own there,
 * the embedding adds.
 */
public final class Embedding extends FeedForwardLayer {
  private static final long serialVersionUID = 1L;

  /** Largest V: the ids after 2²⁴ are not all float32 numbers. */
  public static final int MOST_WORDS = 1 << 24;

  private boolean frozen;
  private boolean tied;
  private double wordDropout;
  private double adversarialEpsilon;

  /** For DL4J's JSON. */
  Embedding() {}

  private Embedding(Builder builder) {
    super(builder);
    this.frozen = builder.frozen;
    this.tied = builder.tied;
    this.wordDropout = builder.wordDropout;
    this.adversarialEpsilon = builder.adversarialEpsilon;
    if (nIn < 1 || nIn > MOST_WORDS || nOut < 1) {
      throw new IllegalArgumentException(
          "Layer %s has %d words of %d numbers, must be 1 to %,d words (ids are float32) of at least 1"
              .formatted(getLayerName(), nIn, nOut, MOST_WORDS));
    }
    initializeConstraints(builder);
  }

  /** Whether training leaves the rows as they are. */
  public boolean isFrozen() {
    return frozen;
  }

  void setFrozen(boolean frozen) {
    this.frozen = frozen;
  }

  /** Whether an output layer takes the rows for its weights. */
  public boolean isTied() {
    return tied;
  }

  void setTied(boolean tied) {
    this.tied = tied;
  }

  /** Share of the words of a sequence that is dropped in training. */
  public double getWordDropout() {
    return wordDropout;
  }

  void setWordDropout(double wordDropout) {
    this.wordDropout = wordDropout;
  }

  /** ε of {@link AdversarialInput}; 0 is none. */
  public double getAdversarialEpsilon() {
    return adversarialEpsilon;
  }

  void setAdversarialEpsilon(double adversarialEpsilon) {
    this.adversarialEpsilon = adversarialEpsilon;
  }

  int words() {
    return Math.toIntExact(nIn);
  }

  int numbers() {
    return Math.toIntExact(nOut);
  }

  EmbeddingKernel kernel(DataType dataType) {
    return dataType == DataType.FLOAT
        ? new FloatEmbeddingKernel(words(), numbers())
        : new ReferenceEmbeddingKernel(numbers());
  }

  @Override
  public Layer instantiate(
      NeuralNetConfiguration conf,
      Collection<TrainingListener> listeners,
      int index,
      INDArray parametersView,
      boolean initialize,
      DataType dataType) {
    LayerValidation.assertNInNOutSet("Embedding", getLayerName(), index, getNIn(), getNOut());
    var layer = new EmbeddingLayer(conf, dataType);
    layer.setListeners(listeners);
    layer.setIndex(index);
    layer.setParamsViewArray(parametersView);
    layer.setParamTable(initializer().init(conf, parametersView, initialize));
    layer.setConf(conf);
    return layer;
  }

  @Override
  public ParamInitializer initializer() {
    return EmbeddingParameters.INSTANCE;
  }

  @Override
  public List<Regularization> getRegularizationByParam(String param) {
    return frozen ? null : super.getRegularizationByParam(param);
  }

  /** V does not follow from what comes in. */
  @Override
  public void setNIn(InputType inputType, boolean override) {
    requireIds(inputType);
  }

  @Override
  public InputType getOutputType(int index, InputType inputType) {
    return InputType.recurrent(nOut, requireIds(inputType).getTimeSeriesLength());
  }

  @Override
  public InputPreProcessor getPreProcessorForInputType(InputType inputType) {
    requireIds(inputType);
    return null;
  }

  private InputType.InputTypeRecurrent requireIds(InputType inputType) {
    if (inputType instanceof InputType.InputTypeRecurrent series
        && series.getSize() == 1
        && series.getFormat() != RNNFormat.NWC) {
      return series;
    }
    throw new IllegalStateException(
        "Layer %s takes ids (B, 1, T), but its input is %s".formatted(getLayerName(), inputType));
  }

  @Override
  public LayerMemoryReport getMemoryReport(InputType inputType) {
    long T = Math.max(1, requireIds(inputType).getTimeSeriesLength());
    long parameters = initializer().numParams(this);
    return new LayerMemoryReport.Builder(
            getLayerName(), getClass(), inputType, getOutputType(-1, inputType))
        .standardMemory(parameters, getIUpdater().stateSize(parameters))
        .workingMemory(0, 0, 0, T)
        .cacheMemory(0, 0)
        .build();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Embedding o
        && super.equals(o)
        && frozen == o.frozen
        && tied == o.tied
        && Double.compare(wordDropout, o.wordDropout) == 0
        && Double.compare(adversarialEpsilon, o.adversarialEpsilon) == 0;
  }

  @Override
  protected boolean canEqual(Object other) {
    return other instanceof Embedding;
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), frozen, tied, wordDropout, adversarialEpsilon);
  }

  @Override
  public String toString() {
    return "Embedding(%d words, %d%s%s)"
        .formatted(nIn, nOut, frozen ? ", frozen" : "", tied ? ", tied" : "");
  }

  /** Builds a layer; {@code nIn} is V, {@code nOut} is E. */
  public static final class Builder extends FeedForwardLayer.Builder<Builder> {
    private boolean frozen;
    private boolean tied;
    private double wordDropout;
    private double adversarialEpsilon;

    public Builder() {
      weightInit(new UniformDistribution(-0.1, 0.1));
    }

    /** Whether training leaves the rows as they are; it does not unless said otherwise. */
    public Builder frozen(boolean frozen) {
      this.frozen = frozen;
      return this;
    }

    /** Whether an output layer takes the rows for its weights. */
    public Builder tied(boolean tied) {
      this.tied = tied;
      return this;
    }

    /** Share of the words of a sequence that is dropped in training, in [0, 1); none at first. */
    public Builder wordDropout(double share) {
      if (!(share >= 0 && share < 1)) {
        throw new IllegalArgumentException("wordDropout is %s, must be in [0, 1)".formatted(share));
      }
      this.wordDropout = share;
      return this;
    }

    /** ε of {@link AdversarialInput}, at least 0; 0 at first, which is none. */
    public Builder adversarialEpsilon(double epsilon) {
      if (!(epsilon >= 0 && epsilon < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "adversarialEpsilon is %s, must be at least 0 and finite".formatted(epsilon));
      }
      this.adversarialEpsilon = epsilon;
      return this;
    }

    @Override
    @SuppressWarnings("unchecked")
    public Embedding build() {
      return new Embedding(this);
    }
  }
}
