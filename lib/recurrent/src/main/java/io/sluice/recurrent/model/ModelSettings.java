package io.sluice.recurrent.model;

import io.sluice.config.ConfigReader;
import io.sluice.config.InvalidConfigException;
import io.sluice.recurrent.head.AdaptiveSoftmax;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * Section {@code model} of the settings: all of a network that does not follow from the data.
 *
 * @param cell the recurrent cell
 * @param hiddenSizes units of each stacked layer, lowest first
 * @param bidirectional reads each window in both directions
 * @param dropout share dropped between layers while training
 * @param output last step, mean or maximum of all, the three side by side, or every step
 * @param head kind of output, or by the target
 * @param quantiles of a quantile head
 * @param classWeights of a class head
 * @param forgetBias initial bias of the forget gate
 * @param denseSizes hidden dense layers before the head
 * @param precision in which the recurrent layers multiply
 * @param attention kind of attention over the recurrent outputs
 * @param attentionSize hidden units of additive attention's score; 0 is as many as its inputs
 * @param attentionHeads heads of self-attention
 * @param layerNorm normalises the outputs of each recurrent layer
 * @param variationalDropout one dropout mask a sequence, not one a time step, of what recurrent
 *     layers take and a head of classes at every step
 * @param recurrentDropout share of the hidden state dropped on its way into the next step
 * @param embedding how words are read; no part where inputs are numbers
 * @param regularizers what else keeps the network from learning by heart
 * @param softmax over the words of a vocabulary
 */
public record ModelSettings(
    Cell cell,
    List<Integer> hiddenSizes,
    boolean bidirectional,
    double dropout,
    ModelSpec.Output output,
    HeadChoice head,
    List<Double> quantiles,
    List<Double> classWeights,
    double forgetBias,
    List<Integer> denseSizes,
    Precision precision,
    Attention.Kind attention,
    int attentionSize,
    int attentionHeads,
    boolean layerNorm,
    boolean variationalDropout,
    double recurrentDropout,
    EmbeddingChoice embedding,
    Regularizers regularizers,
    SoftmaxChoice softmax) {

  /**
   * {@code model.embedding-size} and what goes with it.
   *
   * @param size E, numbers of a word's row; 0 is no embedding
   * @param frozen whether training leaves the rows as they are
   * @param wordDropout share of the words of a sequence dropped while training
   * @param tied whether the head takes the rows for its weights
   * @param adversarialEpsilon how far a second pass moves what the rows give; 0 is none
   */
  public record EmbeddingChoice(
      int size, boolean frozen, double wordDropout, boolean tied, double adversarialEpsilon) {
    /** Inputs are numbers. */
    public static final EmbeddingChoice NONE = new EmbeddingChoice(0, false, 0, false, 0);

    private static EmbeddingChoice read(ConfigReader model) {
      var choice =
          new EmbeddingChoice(
              model.intAtLeast("embedding-size", 0),
              model.flag("embedding-frozen"),
              model.numberBetween("embedding-dropout", 0, 0.95),
              model.flag("embedding-tied"),
              model.numberBetween("adversarial-epsilon", 0, 1e3));
      model.check(
          choice.size > 0 || choice.equals(NONE),
          "embedding-size",
          "must be at least 1 with embedding-frozen, embedding-dropout, embedding-tied or adversarial-epsilon, but is 0");
      model.check(
          !choice.frozen || !choice.tied,
          "embedding-frozen",
          "must be false with embedding-tied = true: the head's weights have to learn");
      model.check(
          choice.adversarialEpsilon == 0 || !choice.frozen,
          "adversarial-epsilon",
          "must be 0 with embedding-frozen = true, whose rows have no gradient to move along, but is %s",
          choice.adversarialEpsilon);
      return choice;
    }

    /** For a vocabulary. */
    WordEmbedding of(int words) {
      return size == 0
          ? WordEmbedding.NONE
          : new WordEmbedding(words, size, frozen, wordDropout, tied, adversarialEpsilon);
    }
  }

  /**
   * {@code model.softmax} and what goes with it.
   *
   * @param cutoffs first id of each cluster of an adaptive softmax; empty is chosen by the
   *     vocabulary
   * @param divide what each cluster's inputs are divided by, compared with the one before
   */
  public record SoftmaxChoice(Kind kind, List<Integer> cutoffs, int divide) {
    /** Whether each word costs the same. */
    public enum Kind {
      FULL,
      ADAPTIVE
    }

    private static SoftmaxChoice read(ConfigReader model) {
      var choice =
          new SoftmaxChoice(
              model.choice("softmax", Kind.class),
              model.intsAtLeast("softmax-cutoffs", 1),
              model.intAtLeast("softmax-divide", 1));
      model.check(
          AdaptiveSoftmax.ascend(choice.cutoffs),
          "softmax-cutoffs",
          "must ascend, but are %s",
          choice.cutoffs);
      model.check(
          choice.isAdaptive() || choice.cutoffs.isEmpty(),
          "softmax-cutoffs",
          "must be [] with softmax = full, but are %s",
          choice.cutoffs);
      return choice;
    }

    private boolean isAdaptive() {
      return kind == Kind.ADAPTIVE;
    }

    /** For a vocabulary of V words and H inputs of the head; null is a full softmax. */
    private AdaptiveSoftmax of(int V, int H) {
      if (!isAdaptive()) {
        return null;
      }
      return cutoffs.isEmpty()
          ? AdaptiveSoftmax.of(V, H, divide)
          : new AdaptiveSoftmax(cutoffs, divide);
    }
  }

  /** {@code model.head}. */
  public enum HeadChoice {
    /** By the target and by whether quantiles are given. */
    AUTO,
    REGRESSION,
    QUANTILES,
    CLASSES
  }

  /** Reads section {@code model} of the whole settings. */
  public static ModelSettings from(ConfigReader root) {
    return root.section("model", ModelSettings::read);
  }

  private static ModelSettings read(ConfigReader model) {
    var settings =
        new ModelSettings(
            model.choice("cell", Cell.class),
            model.intsAtLeast("hidden-sizes", 1),
            model.flag("bidirectional"),
            model.numberBetween("dropout", 0, 0.95),
            model.choice("output", ModelSpec.Output.class),
            model.choice("head", HeadChoice.class),
            model.numbersWithin("quantiles", 0, 1),
            model.numbersWithin("class-weights", 0, 1e6),
            model.numberBetween("forget-bias", -100, 100),
            model.intsAtLeast("dense-sizes", 1),
            model.choice("precision", Precision.class),
            model.choice("attention", Attention.Kind.class),
            model.intAtLeast("attention-size", 0),
            model.intAtLeast("attention-heads", 1),
            model.flag("layer-norm"),
            model.flag("variational-dropout"),
            model.numberBetween("recurrent-dropout", 0, 0.95),
            EmbeddingChoice.read(model),
            new Regularizers(
                model.numberBetween("input-dropout", 0, 0.95),
                model.optionalNumberBetween("output-dropout", 0, 0.95).orElse(null),
                model.numberBetween("weight-dropout", 0, 0.95),
                model.numberBetween("activation-regularization", 0, 1e6),
                model.numberBetween("temporal-activation-regularization", 0, 1e6)),
            SoftmaxChoice.read(model));
    model.check(
        !settings.softmax.isAdaptive() || !settings.embedding.tied,
        "softmax",
        "must be full with embedding-tied = true: an adaptive softmax has shorter rows for rare words than the embedding");
    model.check(
        !settings.hiddenSizes.isEmpty(), "hidden-sizes", "must name at least one layer, but is []");
    model.check(
        new ArrayList<>(new TreeSet<>(settings.quantiles)).equals(settings.quantiles),
        "quantiles",
        "must ascend, but are %s",
        settings.quantiles);
    model.check(
        settings.head != HeadChoice.QUANTILES || !settings.quantiles.isEmpty(),
        "quantiles",
        "must name at least one with head = quantiles, [0.1, 0.5, 0.9] for example");
    model.check(
        settings.quantiles.isEmpty()
            || settings.head == HeadChoice.QUANTILES
            || settings.head == HeadChoice.AUTO,
        "head",
        "must be quantiles or auto where model.quantiles are given, but is %s",
        ConfigReader.kebab(settings.head));
    model.check(
        settings.attention != Attention.Kind.ADDITIVE || settings.output == ModelSpec.Output.LAST,
        "output",
        "must be last with attention = additive, which takes the place of the last step, but is %s",
        ConfigReader.kebab(settings.output));
    if (settings.attention == Attention.Kind.SELF_ATTENTION && !settings.hiddenSizes.isEmpty()) {
      model.check(
          settings.attentionInputs() % settings.attentionHeads == 0,
          "attention-heads",
          "must divide the %d units of the last recurrent layer%s, but is %d",
          settings.attentionInputs(),
          settings.bidirectional ? " (both directions)" : "",
          settings.attentionHeads);
    }
    return settings;
  }

  private int attentionInputs() {
    return ModelSpec.recurrentOutputs(hiddenSizes, bidirectional);
  }

  private Attention attentionOfSpec() {
    return switch (attention) {
      case NONE -> Attention.NONE;
      case ADDITIVE -> Attention.additive(attentionSize == 0 ? attentionInputs() : attentionSize);
      case SELF_ATTENTION -> Attention.self(attentionHeads);
    };
  }

  /**
   * The network for a dataset.
   *
   * @param inputSize I, from the window contract
   * @param lookBack T
   * @param targetSize J, numbers per target; no part where there are classes
   * @param classes V, or 0 where the target is a number
   * @throws InvalidConfigException if the settings do not fit the dataset's target
   */
  public ModelSpec toSpec(int inputSize, int lookBack, int targetSize, int classes) {
    return toSpec(inputSize, lookBack, targetSize, classes, 0);
  }

  /**
   * The network for a dataset.
   *
   * @param inputSize I, from the window contract
   * @param lookBack T
   * @param targetSize J, numbers per target; no part where there are classes
   * @param classes V, or 0 where the target is a number
   * @param words of the vocabulary whose ids are the input, or 0 where inputs are numbers
   * @throws InvalidConfigException if the settings do not fit the dataset
   */
  public ModelSpec toSpec(int inputSize, int lookBack, int targetSize, int classes, int words) {
    requireFits(words, classes);
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
        classes > 0 ? classHead(classes).with(adaptive(classes)) : numberHead(targetSize),
        attentionOfSpec(),
        layerNorm,
        variationalDropout,
        recurrentDropout,
        embedding.of(words),
        regularizers);
  }

  private void requireFits(int words, int classes) {
    var problems = new ArrayList<String>();
    if (words > 0 && embedding.size == 0) {
      problems.add(
          "model.embedding-size: must be at least 1 for a dataset of %d words, but is 0"
              .formatted(words));
    }
    if (words == 0 && embedding.size > 0) {
      problems.add(
          "model.embedding-size: must be 0 for a dataset whose inputs are numbers, but is %d"
              .formatted(embedding.size));
    }
    if (words > 0 && embedding.tied && classes != words) {
      problems.add(
          "model.embedding-tied: must be false where the %s not the %d words of the input"
              .formatted(
                  classes == 0 ? "target is a number and" : "%d classes are".formatted(classes),
                  words));
    }
    if (classes > 0 && output == ModelSpec.Output.SEQUENCE && !denseSizes.isEmpty()) {
      problems.add(
          "model.dense-sizes: must be [] where each step has a class to predict (model.output = sequence), but are %s"
              .formatted(denseSizes));
    }
    if (softmax.isAdaptive() && (words == 0 || classes != words)) {
      problems.add(
          "model.softmax: must be full where the network does not predict words, whose ids are ordered by count: the dataset has %s"
              .formatted(
                  classes == 0 ? "a target that is a number" : "%d classes".formatted(classes)));
    } else if (softmax.isAdaptive()) {
      adaptive(classes)
          .problem(classes, headInputs())
          .ifPresent(problem -> problems.add("model.softmax-" + problem));
    }
    throwIfAny(problems);
  }

  private AdaptiveSoftmax adaptive(int words) {
    return softmax.of(words, headInputs());
  }

  private int headInputs() {
    return ModelSpec.headInputs(output, hiddenSizes, bidirectional, denseSizes);
  }

  private Head classHead(int classes) {
    var problems = new ArrayList<String>();
    if (head != HeadChoice.AUTO && head != HeadChoice.CLASSES) {
      problems.add(
          "model.head: must be classes or auto for a dataset with %d classes, but is %s"
              .formatted(classes, ConfigReader.kebab(head)));
    }
    if (!quantiles.isEmpty()) {
      problems.add(
          "model.quantiles: must be [] for a dataset with %d classes, but are %s"
              .formatted(classes, quantiles));
    }
    if (!classWeights.isEmpty() && classWeights.size() != classes) {
      problems.add(
          "model.class-weights: must have one weight a class (%d), but has %d"
              .formatted(classes, classWeights.size()));
    }
    throwIfAny(problems);
    return Head.classes(classes, classWeights);
  }

  private Head numberHead(int targetSize) {
    var problems = new ArrayList<String>();
    if (head == HeadChoice.CLASSES) {
      problems.add("model.head: must not be classes for a dataset whose target is a number");
    }
    if (!classWeights.isEmpty()) {
      problems.add(
          "model.class-weights: must be [] for a dataset whose target is a number, but are %s"
              .formatted(classWeights));
    }
    throwIfAny(problems);
    return quantiles.isEmpty()
        ? Head.regression(targetSize)
        : Head.quantiles(targetSize, quantiles);
  }

  private static void throwIfAny(List<String> problems) {
    if (!problems.isEmpty()) {
      throw new InvalidConfigException("for this dataset", problems);
    }
  }
}
