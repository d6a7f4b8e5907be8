package io.sluice.training;

import io.sluice.config.ConfigReader;
import io.sluice.config.InvalidConfigException;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.dataset.Truncation;
import io.sluice.sequences.text.encoding.Vocabulary;
import io.sluice.training.TrainSettings.StrategyKind;
import io.sluice.training.loop.ExampleSource;
import io.sluice.training.loop.StepPlan;
import io.sluice.training.loop.StreamSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;

/**
 * One long text, of which a language model predicts every token from those before it.
 *
 * @param streams B, places at which the text is read at once
 * @param truncation tokens of a step
 */
record LearnableStream(TextDataset dataset, int streams, Truncation truncation)
    implements LearnableText {
  /** Of the share that the most frequent words have, what a shortlist must have at least. */
  private static final double LEAST_OF_MOST = 0.8;

  static LearnableStream of(TextDataset dataset, TrainSettings settings) {
    requireStrategy(settings.strategy());
    return new LearnableStream(
        dataset,
        settings.batchSize(),
        new Truncation(settings.bptt().steps(), settings.bptt().varied(), settings.seed()));
  }

  /** A step needs the states that the step before left, of the same streams. */
  private static void requireStrategy(StrategyKind strategy) {
    switch (strategy) {
      case AUTO, LOCAL, GRADIENT_SHARING, PIPELINE -> {
        // each rank, or replica, keeps its streams
      }
      case PARAMETER_AVERAGING, ASYNC_GRADIENT_SHARING ->
          throw new InvalidConfigException(
              "for a dataset of one long text (dataset.layout = stream)",
              List.of(
                  "train.strategy: must be gradient-sharing, pipeline, local or auto, whose ranks keep the states of their streams from step to step, but is %s"
                      .formatted(ConfigReader.kebab(strategy))));
    }
  }

  @Override
  public ExampleSource source() {
    return new StreamSource(dataset.uri(), truncation);
  }

  @Override
  public String examples() {
    return "tokens";
  }

  @Override
  public String told(long count, ModelSpec spec) {
    return "%,d tokens in %d streams, %s%d a step"
        .formatted(count, streams, truncation.varied() ? "about " : "", truncation.timeSteps());
  }

  @Override
  public String told(double loss) {
    return String.format(Locale.ROOT, "%.4g (perplexity %.4g)", loss, Math.exp(loss));
  }

  /** Tokens that are predicted: all but the first of each stream and a remainder. */
  @Override
  public long count(Split split) {
    long tokens = dataset.tokens(split);
    long places =
        split == Split.TRAIN
            ? streams
            : StreamSource.validationStreams(tokens, streams, truncation.timeSteps());
    return places * Math.max(0, tokens / places - 1);
  }

  @Override
  public long countOfEpoch(Configuration hadoop) {
    return count(Split.TRAIN);
  }

  @Override
  public ModelSpec spec(ModelSettings model) {
    var problems = new ArrayList<String>();
    if (model.output() != ModelSpec.Output.SEQUENCE) {
      problems.add(
          "model.output: must be sequence, because every token is predicted, but is %s"
              .formatted(ConfigReader.kebab(model.output())));
    }
    if (model.bidirectional()) {
      problems.add(
          "model.bidirectional: must be false, because it would read the tokens that it is to predict");
    }
    if (model.attention() != Attention.Kind.NONE) {
      problems.add(
          "model.attention: must be none, because it would read the tokens that it is to predict, but is %s"
              .formatted(ConfigReader.kebab(model.attention())));
    }
    if (model.embedding().adversarialEpsilon() > 0) {
      problems.add(
          "model.adversarial-epsilon: must be 0, because streams carry one state over their steps, but is %s"
              .formatted(model.embedding().adversarialEpsilon()));
    }
    if (!model.classWeights().isEmpty()) {
      problems.add("model.class-weights: must be [], because every token counts as much");
    }
    if (!problems.isEmpty()) {
      throw new InvalidConfigException(
          "for a dataset of one long text (dataset.layout = stream)", problems);
    }
    int words = dataset.contract().vocabularySize();
    ModelSpec spec = model.toSpec(1, truncation.longest(), 1, words, words);
    if (spec.head().adaptive() != null) {
      requireOrder(spec.head().adaptive().cutoffs().get(0));
    }
    return spec;
  }

  /**
   * Refuses words in another order than that of their counts, special tokens aside: an adaptive
   * softmax over them is right, but computes its clusters for most tokens, and gives frequent words
   * few inputs.
   *
   * @param first ids, the shortlist
   */
  private void requireOrder(int first) {
    Vocabulary vocabulary = dataset.vocabulary();
    IntPredicate isWord =
        id -> id != vocabulary.unknownId() && !Objects.equals(id, vocabulary.lineEndId());
    long[] shortlist =
        IntStream.range(0, first).filter(isWord).mapToLong(vocabulary::count).toArray();
    long[] ascending =
        IntStream.range(0, vocabulary.size())
            .filter(isWord)
            .mapToLong(vocabulary::count)
            .sorted()
            .toArray();
    double all = Math.max(1, Arrays.stream(ascending).sum());
    double share = Arrays.stream(shortlist).sum() / all;
    double most = Arrays.stream(ascending).skip(ascending.length - shortlist.length).sum() / all;
    if (share < LEAST_OF_MOST * most) {
      throw new InvalidConfigException(
          "for " + uri(),
          List.of(
              String.format(
                  Locale.ROOT,
                  "model.softmax: must be full where ids are not in the order of counts, the largest first: the %,d words before the first of model.softmax-cutoffs are %.1f %% of all counted, and the %,d most frequent ones %.1f %%. Set model.softmax = full, or rebuild with a vocabulary that build-sequences counts (neither text.vocabulary.path nor text.tokenizer-path)",
                  shortlist.length,
                  100 * share,
                  shortlist.length,
                  100 * most)));
    }
  }

  @Override
  public void requireTrainable() {
    long train = dataset.tokens(Split.TRAIN);
    if (train < 2L * streams) {
      throw new InvalidInputException(
          "Cannot train on %s: its train split has %,d tokens, and %,d streams (train.batch-size) of at least 2 need %,d. %s"
              .formatted(
                  uri(),
                  train,
                  streams,
                  2L * streams,
                  train < 2
                      ? "Build a larger dataset."
                      : "Lower train.batch-size to at most %,d, or build a larger dataset."
                          .formatted(train / 2)));
    }
    long validation = dataset.tokens(Split.VALIDATION);
    if (validation < 2) {
      throw new InvalidInputException(
          "Cannot train on %s: its validation split has %,d tokens, and a loss needs 2. Give split.validation a larger share, or source.validation-path a file, and rebuild with build-sequences."
              .formatted(uri(), validation));
    }
  }

  @Override
  public StepPlan plan(TrainSettings settings, long drawn) {
    long steps = truncation.steps(dataset.tokens(Split.TRAIN) / streams - 1);
    return new StepPlan(
        drawn, streams, settings.shardCount(), settings.epochs(), Math.toIntExact(steps));
  }

  @Override
  public Map<String, String> fixedSettings() {
    return Map.of(
        "train.bptt-steps", Integer.toString(truncation.timeSteps()),
        "train.bptt-varied", Boolean.toString(truncation.varied()));
  }
}
