package io.sluice.recurrent.head;

import io.sluice.recurrent.kernel.MatrixProducts;
import io.sluice.recurrent.kernel.Precision;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.LayerValidation;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;

/**
 * The output layer over a large vocabulary: a linear map, softmax and cross-entropy, whose training
 * step never has the logits of a whole batch in memory and whose labels are class ids.
 *
 * <p>It computes what DL4J's {@code RnnOutputLayer} and {@code OutputLayer} compute with {@code
 * LossMCXENT} and softmax, from the same parameters {@code W} (H, V) and {@code b} (V): their flat
 * arrays can be exchanged. Like theirs, the loss is the sum over time steps divided by B, not by T
 * ({@link Builder#meanOverTime} makes it a mean), and only the mask of the labels counts.
 *
 * <p><b>Shapes.</b> B sequences, T time steps, H inputs, V classes.
 *
 * <pre>
 *          an output at every step           one for a sequence
 * input    (B, H, T)                         (B, H)
 * labels   ids (B, 1, T) or (B, T)           ids (B, 1) or (B)
 *          one-hot (B, V, T)                 one-hot (B, V)
 * mask     (B, T)                            (B, 1)
 * output   probabilities (B, V, T)           (B, V)
 * </pre>
 *
 * <p>Ids are whole numbers from 0 to V − 1 in an array of any type that holds them (float32: up to
 * 2²⁴); what they are under the mask does not matter. DL4J cuts time for truncated backpropagation
 * only where labels have three dimensions, so there ids are (B, 1, T). DL4J's {@code Evaluation}
 * knows one-hot labels only; the perplexity of ids comes from {@link #negativeLogLikelihoods}.
 *
 * <p><b>Tied.</b> Its {@code W} may be the rows of the network's embedding, whose sizes are then V
 * and H: they are stored once, learn from both ends, and the layer has {@code b} for its only
 * parameter (Press and Wolf 2017; Inan et al. 2017). It finds them by their place: the embedding is
 * the lowest layer of a network, and DL4J keeps the parameters of all layers in one array, as it
 * does their gradients.
 *
 * <p><b>Adaptive.</b> Its softmax may be an {@link AdaptiveSoftmax}, whose ids are in the order of
 * their counts: less work and fewer parameters for rare words. All else is as above; parameters are
 * {@code W} (H, n₀ + C) and {@code b} of shortlist and clusters, and {@code P1} (H, H₁), {@code W1}
 * (H₁, words) and so on for each cluster. It has no embedding's rows for its weights.
 *
 * <p><b>Differences from DL4J's layers.</b> ln p is not clipped at p = 1e-10. The loss of a
 * training step is that of its gradient, with the same dropout; DL4J computes the logits a second
 * time and there leaves dropout out.
 *
 * <p><b>Considered:</b> sampled softmax. It changes the gradient, and full probabilities have to be
 * computed for scoring all the same.
 */
public final class VocabularyOutput extends BaseOutputLayer implements WithHeadParameters {
  private static final long serialVersionUID = 1L;

  private double lossScale = 1;
  private boolean meanOverTime;
  private long tiedBehind;
  private int[] cutoffs = {};
  private int divide;
  private Precision precision = Precision.F32;

  /** For DL4J's JSON. */
  VocabularyOutput() {}

  private VocabularyOutput(Builder builder) {
    super(builder);
    this.lossScale = builder.lossScale;
    this.meanOverTime = builder.meanOverTime;
    this.tiedBehind = builder.tiedBehind;
    this.precision = builder.precision;
    if (builder.adaptive != null) {
      this.cutoffs = builder.adaptive.cutoffs().stream().mapToInt(Integer::intValue).toArray();
      this.divide = builder.adaptive.divide();
    }
    if (tiedBehind > 0 && isAdaptive()) {
      throw new IllegalArgumentException(
          "Layer %s is tied to an embedding, so its softmax cannot be adaptive: rare words have shorter rows there than in an embedding"
              .formatted(getLayerName()));
    }
    if (tiedBehind > 0 && !hasBias) {
      throw new IllegalArgumentException(
          "Layer %s is tied to an embedding, so it must have a bias".formatted(getLayerName()));
    }
    if (!(lossFn instanceof LossMCXENT) || !(activationFn instanceof ActivationSoftmax)) {
      throw new IllegalArgumentException(
          "Layer %s computes LossMCXENT over ActivationSoftmax, but is given %s over %s"
              .formatted(
                  getLayerName(),
                  lossFn.getClass().getSimpleName(),
                  activationFn.getClass().getSimpleName()));
    }
    initializeConstraints(builder);
  }

  /** Factor of the loss. */
  public double getLossScale() {
    return lossScale;
  }

  void setLossScale(double lossScale) {
    this.lossScale = lossScale;
  }

  /** Whether the loss of a sequence is divided by its time steps, masked ones included. */
  public boolean isMeanOverTime() {
    return meanOverTime;
  }

  void setMeanOverTime(boolean meanOverTime) {
    this.meanOverTime = meanOverTime;
  }

  /** Parameters of the network that lie before its own where it is tied; 0 where it is not. */
  public long getTiedBehind() {
    return tiedBehind;
  }

  void setTiedBehind(long tiedBehind) {
    this.tiedBehind = tiedBehind;
  }

  /** Cutoffs of an adaptive softmax; none where it is full. */
  public int[] getCutoffs() {
    return cutoffs.clone();
  }

  void setCutoffs(int[] cutoffs) {
    this.cutoffs = cutoffs;
  }

  /** What an adaptive softmax divides the inputs of its clusters by; 0 where it is full. */
  public int getDivide() {
    return divide;
  }

  void setDivide(int divide) {
    this.divide = divide;
  }

  /** In which its products multiply where the network is float32. */
  public Precision getPrecision() {
    return precision;
  }

  void setPrecision(Precision precision) {
    this.precision = precision;
  }

  /** Whether its softmax is an {@link AdaptiveSoftmax}. */
  boolean isAdaptive() {
    return cutoffs.length > 0;
  }

  private AdaptiveShape adaptive() {
    return AdaptiveShape.of(
        new AdaptiveSoftmax(Arrays.stream(cutoffs).boxed().toList(), divide),
        classes(),
        inputs(),
        hasBias());
  }

  /** Those of an adaptive softmax. */
  @Override
  public List<HeadParameter> parameters() {
    return adaptive().parameters();
  }

  /** The same with weights of its own, (V, H) row-major before the bias. */
  public VocabularyOutput untied() {
    var own = (VocabularyOutput) clone();
    own.tiedBehind = 0;
    return own;
  }

  /**
   * −ln of the probability that a layer gave to each label in its last pass that had labels: a
   * training step, {@code network.score(…)} or {@code network.scoreExamples(…)}. Their mean over
   * unmasked steps is the logarithm of the perplexity. No array of probabilities is made.
   *
   * @param layer of a {@code MultiLayerNetwork} or {@code ComputationGraph}
   * @return a new (B, T) array of float64, (B, 1) without time, in nats; 0 where masked. Class
   *     weights and loss scale have no part in it.
   */
  public static INDArray negativeLogLikelihoods(Layer layer) {
    if (layer instanceof VocabularyOutputLayer output) {
      return output.negativeLogLikelihoods();
    }
    throw new IllegalArgumentException(
        "Layer %s has no likelihoods: it is not a VocabularyOutput"
            .formatted(layer.conf().getLayer()));
  }

  int inputs() {
    return Math.toIntExact(nIn);
  }

  int classes() {
    return Math.toIntExact(nOut);
  }

  /** (V) what a loss of each class counts. */
  double[] factors() {
    INDArray weights = ((LossMCXENT) lossFn).getWeights();
    double[] factors = new double[classes()];
    Arrays.fill(factors, lossScale);
    if (weights != null) {
      double[] each = weights.castTo(DataType.DOUBLE).dup('c').data().asDouble();
      if (each.length != factors.length) {
        throw new IllegalArgumentException(
            "Layer %s has %d class weights, expected one a class (%d)"
                .formatted(getLayerName(), each.length, factors.length));
      }
      for (int v = 0; v < factors.length; v++) {
        factors[v] *= each[v];
      }
    }
    return factors;
  }

  /**
   * Off-heap scratch memory of a float32 network's head that trains on so many rows, in bytes.
   *
   * @param adaptive null is a softmax over all classes
   */
  public static long trainingBytes(
      int classes, int inputs, AdaptiveSoftmax adaptive, Precision precision, long rows) {
    boolean isBf16 = MatrixProducts.areBf16(precision);
    return adaptive == null
        ? FloatVocabularyKernel.trainingBytes(classes, inputs, isBf16, rows)
        : FloatAdaptiveKernel.trainingBytes(
            AdaptiveShape.of(adaptive, classes, inputs, true), isBf16, rows);
  }

  VocabularyKernel kernel(DataType dataType) {
    if (isAdaptive()) {
      return dataType == DataType.FLOAT
          ? new FloatAdaptiveKernel(adaptive(), MatrixProducts.of(precision))
          : new ReferenceAdaptiveKernel(adaptive());
    }
    return dataType == DataType.FLOAT
        ? new FloatVocabularyKernel(classes(), inputs(), hasBias(), MatrixProducts.of(precision))
        : new ReferenceVocabularyKernel(classes(), inputs(), hasBias());
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
        "VocabularyOutput", getLayerName(), index, getNIn(), getNOut());
    factors();
    requireTieable();
    requireAdaptable();
    var layer = new VocabularyOutputLayer(conf, dataType);
    layer.setListeners(listeners);
    layer.setIndex(index);
    layer.setParamsViewArray(parametersView);
    layer.setParamTable(initializer().init(conf, parametersView, initialize));
    layer.setConf(conf);
    return layer;
  }

  private void requireTieable() {
    if (tiedBehind > 0 && (weightNoise != null || nIn * nOut > tiedBehind)) {
      throw new IllegalArgumentException(
          weightNoise != null
              ? "Layer %s is tied to an embedding, so it can have no weight noise"
                  .formatted(getLayerName())
              : "Layer %s is tied to an embedding of %d rows of %d numbers, but only %d parameters lie before its own"
                  .formatted(getLayerName(), nOut, nIn, tiedBehind));
    }
  }

  private void requireAdaptable() {
    if (isAdaptive()) {
      new AdaptiveSoftmax(Arrays.stream(cutoffs).boxed().toList(), divide)
          .problem(classes(), inputs())
          .ifPresent(
              problem -> {
                throw new IllegalArgumentException(
                    "Layer %s has an adaptive softmax whose %s"
                        .formatted(getLayerName(), problem.replaceFirst(":", "")));
              });
    }
  }

  @Override
  public ParamInitializer initializer() {
    if (isAdaptive()) {
      return HeadParameters.INSTANCE;
    }
    return tiedBehind > 0 ? TiedParameters.INSTANCE : DefaultParamInitializer.getInstance();
  }

  @Override
  public void setNIn(InputType inputType, boolean override) {
    if (nIn <= 0 || override) {
      nIn = size(inputType);
    }
  }

  @Override
  public InputType getOutputType(int index, InputType inputType) {
    return size(inputType) > 0 && inputType instanceof InputType.InputTypeRecurrent series
        ? InputType.recurrent(nOut, series.getTimeSeriesLength())
        : InputType.feedForward(nOut);
  }

  @Override
  public InputPreProcessor getPreProcessorForInputType(InputType inputType) {
    size(inputType);
    return null;
  }

  private long size(InputType inputType) {
    return inputType instanceof InputType.InputTypeFeedForward numbers
        ? numbers.getSize()
        : TimeHead.series(getLayerName(), inputType).getSize();
  }

  /** The logits of training are no part of what grows with the batch. */
  @Override
  public LayerMemoryReport getMemoryReport(InputType inputType) {
    long parameters = initializer().numParams(this);
    long inputs = inputType.arrayElementsPerExample();
    long logits =
        Math.max(
            FloatVocabularyKernel.LEAST_ROWS * nOut,
            FloatVocabularyKernel.CHUNK_BYTES / Float.BYTES);
    return new LayerMemoryReport.Builder(
            getLayerName(), getClass(), inputType, getOutputType(-1, inputType))
        .standardMemory(parameters, getIUpdater().stateSize(parameters))
        .workingMemory(0, 0, logits, (getIDropout() == null ? 1 : 2) * inputs)
        .cacheMemory(0, 0)
        .build();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof VocabularyOutput o
        && super.equals(o)
        && Double.compare(lossScale, o.lossScale) == 0
        && meanOverTime == o.meanOverTime
        && tiedBehind == o.tiedBehind
        && Arrays.equals(cutoffs, o.cutoffs)
        && divide == o.divide
        && precision == o.precision;
  }

  @Override
  protected boolean canEqual(Object other) {
    return other instanceof VocabularyOutput;
  }

  @Override
  public int hashCode() {
    return Objects.hash(
        super.hashCode(),
        lossScale,
        meanOverTime,
        tiedBehind,
        Arrays.hashCode(cutoffs),
        divide,
        precision);
  }

  @Override
  public String toString() {
    return isAdaptive()
        ? "VocabularyOutput(%d, %d classes, adaptive from %s)"
            .formatted(nIn, nOut, Arrays.toString(cutoffs))
        : "VocabularyOutput(%d, %d classes)".formatted(nIn, nOut);
  }

  /** Builds a layer. {@code lossFunction} and {@code activation} are as they must be. */
  public static final class Builder extends BaseOutputLayer.Builder<Builder> {
    private double lossScale = 1;
    private boolean meanOverTime;
    private long tiedBehind;
    private AdaptiveSoftmax adaptive;
    private Precision precision = Precision.F32;

    public Builder() {
      setActivationFn(new ActivationSoftmax());
    }

    /** What a label of each class counts in the loss; 1 each unless said otherwise. */
    public Builder classWeights(double... weights) {
      for (double weight : weights) {
        if (!(weight >= 0 && weight < Double.POSITIVE_INFINITY)) {
          throw new IllegalArgumentException(
              "classWeights are %s, must be at least 0 and finite"
                  .formatted(Arrays.toString(weights)));
        }
      }
      return lossFunction(new LossMCXENT(Nd4j.createFromArray(weights).reshape(1, weights.length)));
    }

    /**
     * Takes the rows of the network's embedding for its weights.
     *
     * @param parameters of all layers below, the embedding's among them
     */
    public Builder tiedBehind(long parameters) {
      this.tiedBehind = parameters;
      return this;
    }

    /** In which products multiply; float32 unless said otherwise, and where this CPU cannot. */
    public Builder precision(Precision precision) {
      this.precision = precision;
      return this;
    }

    /** Computes an adaptive softmax; a full one unless said otherwise. */
    public Builder adaptive(AdaptiveSoftmax adaptive) {
      this.adaptive = adaptive;
      return this;
    }

    /** Divides the loss of a sequence by T, whatever T a batch has; masked steps count as 0. */
    public Builder meanOverTime(boolean meanOverTime) {
      this.meanOverTime = meanOverTime;
      return this;
    }

    /** Factor of the loss. */
    public Builder lossScale(double lossScale) {
      if (!(lossScale > 0 && lossScale < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "lossScale is %s, must be above 0 and finite".formatted(lossScale));
      }
      this.lossScale = lossScale;
      return this;
    }

    @Override
    @SuppressWarnings("unchecked")
    public VocabularyOutput build() {
      return new VocabularyOutput(this);
    }
  }
}
