package io.sluice.recurrent.model;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.sluice.config.InvalidConfigException;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.kernel.Precision;
import java.io.Serializable;
import java.util.List;
import java.util.Optional;

/**
 * What a network is, in our own words: the part of a model that a person reads. {@link Networks}
 * turns it into a DL4J network; nothing else does.
 *
 * <p><b>Shapes.</b> Input (B, I, T) in DL4J's order; output (B, {@link #outputSize()}), or (B,
 * {@link #outputSize()}, T) with an output at every step.
 *
 * @param inputSize I, numbers per time step
 * @param lookBack T, time steps
 * @param cell the recurrent cell of every layer
 * @param hiddenSizes units of each stacked layer, lowest first; a bidirectional layer has as many
 *     in each direction
 * @param bidirectional reads each window in both directions
 * @param dropout share of activations dropped between layers while training, in [0, 1)
 * @param output what becomes of the time steps: the last one, a mean or maximum of all, these three
 *     side by side, or an output at every one
 * @param denseSizes hidden dense layers (ReLU) between the recurrent stack and the head
 * @param forgetBias initial bias of the forget gate; no part in cells without one
 * @param precision in which the recurrent layers and a head over words multiply
 * @param head what comes out
 * @param attention over the outputs of the recurrent layers
 * @param layerNorm normalises the outputs of each recurrent layer over its units, at every time
 *     step
 * @param variationalDropout dropout of what recurrent layers take, and a head of classes at every
 *     step, draws one mask a sequence, not one a time step
 * @param recurrentDropout share of the hidden state dropped on its way into the next step while
 *     training, one mask a sequence; in [0, 1)
 * @param embedding of words, whose ids are then the only input
 * @param regularizers what else keeps it from learning by heart
 */
public record ModelSpec(
    int inputSize,
    int lookBack,
    Cell cell,
    List<Integer> hiddenSizes,
    boolean bidirectional,
    double dropout,
    Output output,
    List<Integer> denseSizes,
    double forgetBias,
    Precision precision,
    Head head,
    Attention attention,
    boolean layerNorm,
    boolean variationalDropout,
    double recurrentDropout,
    WordEmbedding embedding,
    Regularizers regularizers)
    implements Serializable {

  /** What becomes of the time steps between the recurrent layers and the head. */
  public enum Output {
    /** The last one's state. */
    @JsonProperty("last")
    LAST,
    /** The mean over them. */
    @JsonProperty("mean")
    MEAN,
    /** The largest of each unit over them. */
    @JsonProperty("max")
    MAX,
    /** The last one's state, the largest and the mean, side by side. */
    @JsonProperty("concat")
    CONCAT,
    /** An output at every one. */
    @JsonProperty("sequence")
    SEQUENCE
  }

  public ModelSpec {
    hiddenSizes = List.copyOf(hiddenSizes);
    denseSizes = List.copyOf(denseSizes);
    // bundles of before there was a choice say nothing
    precision = precision == null ? Precision.F32 : precision;
    attention = attention == null ? Attention.NONE : attention;
    embedding = embedding == null ? WordEmbedding.NONE : embedding;
    regularizers = regularizers == null ? Regularizers.NONE : regularizers;
    require(inputSize >= 1, "inputSize", inputSize, "at least 1");
    require(lookBack >= 1, "lookBack", lookBack, "at least 1");
    require(!hiddenSizes.isEmpty(), "hiddenSizes", hiddenSizes, "at least one layer");
    require(hiddenSizes.stream().allMatch(h -> h >= 1), "hiddenSizes", hiddenSizes, "at least 1");
    require(denseSizes.stream().allMatch(h -> h >= 1), "denseSizes", denseSizes, "at least 1");
    require(dropout >= 0 && dropout < 1, "dropout", dropout, "in [0, 1)");
    require(
        recurrentDropout >= 0 && recurrentDropout < 1,
        "recurrentDropout",
        recurrentDropout,
        "in [0, 1)");
    require(
        attention.kind() != Attention.Kind.ADDITIVE || output == Output.LAST,
        "output",
        output,
        "LAST with additive attention, which takes its place");
    require(
        attention.kind() != Attention.Kind.SELF_ATTENTION
            || recurrentOutputs(hiddenSizes, bidirectional) % attention.heads() == 0,
        "attention.heads",
        attention.heads(),
        "a divisor of the %d outputs of the last recurrent layer"
            .formatted(recurrentOutputs(hiddenSizes, bidirectional)));
    require(
        embedding.words() == 0 || inputSize == 1,
        "inputSize",
        inputSize,
        "1 with an embedding: the id of a word");
    require(
        !embedding.tied()
            || head.kind() == Head.Kind.CLASSES && head.outputs() == embedding.words(),
        "embedding.tied",
        embedding.tied(),
        "false unless the head's classes are the %d words".formatted(embedding.words()));
    if (head.adaptive() != null) {
      require(!embedding.tied(), "embedding.tied", true, "false with an adaptive softmax");
      int inputs = headInputs(output, hiddenSizes, bidirectional, denseSizes);
      head.adaptive()
          .problem(head.outputs(), inputs)
          .ifPresent(
              problem -> {
                throw new IllegalArgumentException("head.adaptive." + problem);
              });
    }
  }

  /** A network over numbers, with dropout between its layers only. */
  public ModelSpec(
      int inputSize,
      int lookBack,
      Cell cell,
      List<Integer> hiddenSizes,
      boolean bidirectional,
      double dropout,
      Output output,
      List<Integer> denseSizes,
      double forgetBias,
      Precision precision,
      Head head,
      Attention attention,
      boolean layerNorm,
      boolean variationalDropout,
      double recurrentDropout) {
    this(
        inputSize,
        lookBack,
        cell,
        hiddenSizes,
        bidirectional,
        dropout,
        output,
        denseSizes,
        forgetBias,
        precision,
        head,
        attention,
        layerNorm,
        variationalDropout,
        recurrentDropout,
        WordEmbedding.NONE,
        Regularizers.NONE);
  }

  /** The same over words. */
  public ModelSpec with(WordEmbedding embedding) {
    return with(embedding, regularizers);
  }

  /** The same with other regularizers. */
  public ModelSpec with(Regularizers regularizers) {
    return with(embedding, regularizers);
  }

  private ModelSpec with(WordEmbedding embedding, Regularizers regularizers) {
    return new ModelSpec(
        inputSize,
        lookBack,
        cell,
        hiddenSizes,
        bidirectional,
        dropout,
        output,
        denseSizes,
        forgetBias,
        precision,
        head,
        attention,
        layerNorm,
        variationalDropout,
        recurrentDropout,
        embedding,
        regularizers);
  }

  /**
   * Refuses {@code device = gpu} for a network with layers that a GPU lacks.
   *
   * @throws InvalidConfigException if so, with what lacks and who has it
   */
  public void requireOn(DeviceChoice choice) {
    Optional<String> lack =
        choice == DeviceChoice.GPU ? Device.lack(cell, recurrentDropout > 0) : Optional.empty();
    if (lack.isPresent()) {
      throw new InvalidConfigException(
          "for this network", List.of("device: must be cpu or auto, but is gpu: " + lack.get()));
    }
  }

  /** A network without attention and layer normalisation. */
  public ModelSpec(
      int inputSize,
      int lookBack,
      Cell cell,
      List<Integer> hiddenSizes,
      boolean bidirectional,
      double dropout,
      Output output,
      List<Integer> denseSizes,
      double forgetBias,
      Precision precision,
      Head head) {
    this(
        inputSize,
        lookBack,
        cell,
        hiddenSizes,
        bidirectional,
        dropout,
        output,
        denseSizes,
        forgetBias,
        precision,
        head,
        Attention.NONE,
        false,
        false,
        0);
  }

  /** Numbers that the last recurrent layer puts out per time step: what attention takes. */
  static int recurrentOutputs(List<Integer> hiddenSizes, boolean bidirectional) {
    int units = hiddenSizes.get(hiddenSizes.size() - 1);
    return bidirectional ? Math.multiplyExact(2, units) : units;
  }

  /** Numbers that the last recurrent layer puts out per time step. */
  @JsonIgnore
  public int recurrentOutputs() {
    return recurrentOutputs(hiddenSizes, bidirectional);
  }

  /** Whether the lowest layer is an embedding. */
  @JsonIgnore
  public boolean hasEmbedding() {
    return embedding.words() > 0;
  }

  /** Numbers that the lowest recurrent layer takes per time step. */
  @JsonIgnore
  public int recurrentInputs() {
    return hasEmbedding() ? embedding.size() : inputSize;
  }

  /** Numbers that what is below the head puts out, per time step where it has one. */
  @JsonIgnore
  public int headInputs() {
    return headInputs(output, hiddenSizes, bidirectional, denseSizes);
  }

  static int headInputs(
      Output output, List<Integer> hiddenSizes, boolean bidirectional, List<Integer> denseSizes) {
    return denseSizes.isEmpty()
        ? outputsOverTime(output, hiddenSizes, bidirectional)
        : denseSizes.get(denseSizes.size() - 1);
  }

  /** Numbers that are left of the time steps, or of each where all are left. */
  int outputsOverTime() {
    return outputsOverTime(output, hiddenSizes, bidirectional);
  }

  private static int outputsOverTime(
      Output output, List<Integer> hiddenSizes, boolean bidirectional) {
    int each = recurrentOutputs(hiddenSizes, bidirectional);
    return output == Output.CONCAT ? Math.multiplyExact(3, each) : each;
  }

  /**
   * Whether a linear layer stands below the head, because it is tied to an embedding of another
   * size than what comes out below.
   */
  @JsonIgnore
  public boolean hasProjection() {
    return embedding.tied() && headInputs() != embedding.size();
  }

  /**
   * In which the head multiplies: that of the recurrent layers where it predicts words, float32
   * otherwise, where it costs nothing.
   */
  @JsonIgnore
  public Precision headPrecision() {
    return hasEmbedding() && head.outputs() == embedding.words() ? precision : Precision.F32;
  }

  /** Share dropped of what the head takes. */
  @JsonIgnore
  public double headDropout() {
    return regularizers.outputDropout() == null ? dropout : regularizers.outputDropout();
  }

  /** Numbers the network puts out per (last) time step. */
  @JsonIgnore
  public int outputSize() {
    return head.networkOutputs();
  }

  private static void require(boolean holds, String name, Object value, String rule) {
    if (!holds) {
      throw new IllegalArgumentException("%s is %s, must be %s".formatted(name, value, rule));
    }
  }
}
