package io.sluice.scoring.evaluation;

import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.scoring.baseline.BaselineKind;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.StreamPredictor;
import io.sluice.scoring.device.TaskDevice;
import io.sluice.scoring.evaluation.EvaluationReport.BaselineRow;
import io.sluice.scoring.evaluation.EvaluationReport.ModelInfo;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.dataset.TokenStreams;
import io.sluice.sequences.text.dataset.Truncation;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * Judges a language model on a split of one long text: how likely is each token after all tokens
 * before it. States are carried from the first token of a stream to its last.
 *
 * <p>With one stream ({@code evaluate.streams}) that is every token of the split but its first,
 * each after all others before it: the number that publications give. With S streams the split is
 * read at S places at once, each of which begins with nothing read, and the first token of each and
 * the remainder of N/S are not predicted.
 */
final class StreamEvaluation {
  private final Workers workers;
  private final EvaluateSettings settings;
  private final TextDataset dataset;
  private final ModelInfo model;
  private final List<String> notes = new ArrayList<>();

  private StreamEvaluation(
      SparkSession spark,
      EvaluateSettings settings,
      TextDataset dataset,
      ModelInfo model,
      Configuration hadoop) {
    this.workers = new Workers(spark, hadoop);
    this.settings = settings;
    this.dataset = dataset;
    this.model = model;
  }

  /**
   * @throws InvalidInputException if the dataset cannot be read, does not fit the bundle, or the
   *     split is shorter than two tokens a stream
   */
  static EvaluationReport run(
      SparkSession spark,
      EvaluateSettings settings,
      ModelBundle bundle,
      ModelInfo model,
      Configuration hadoop) {
    long start = System.nanoTime();
    TextDataset dataset = TextDataset.open(settings.dataset(), hadoop).requireAudit();
    TextFit.require(bundle.manifest().text().contract(), bundle.uri(), dataset);
    var evaluation = new StreamEvaluation(spark, settings, dataset, model, hadoop);
    return evaluation.report(evaluation.scores().with(evaluation.tokensPerCharacter()), start);
  }

  private TextManifest.SplitSummary summary() {
    return dataset.manifest().splits().get(settings.split().label());
  }

  /** 0 where characters were not counted. */
  private double tokensPerCharacter() {
    Long characters = summary().characters();
    return characters == null ? 0 : (double) summary().tokens() / Math.max(1, characters);
  }

  private StreamScores scores() {
    Split split = settings.split();
    int streams = settings.streams();
    long tokens = dataset.tokens(split);
    if (tokens < 2L * streams) {
      throw new InvalidInputException(
          "Split %s of dataset %s has %,d tokens, and %s at least 2. %s"
              .formatted(
                  split.label(),
                  settings.dataset(),
                  tokens,
                  streams == 1
                      ? "a prediction needs"
                      : "each of %,d streams (evaluate.streams) needs".formatted(streams),
                  tokens < 2
                      ? "Choose another evaluate.split, or give it more text and rebuild."
                      : "Lower evaluate.streams to at most %,d.".formatted(tokens / 2)));
    }
    int slots = workers.spark().map(s -> s.sparkContext().defaultParallelism()).orElse(1);
    int tasks = Math.min(streams, slots);
    var task =
        new Task(
            settings.dataset(),
            model.uri(),
            split,
            settings.batchSize(),
            settings.device(),
            streams,
            tasks);
    return workers
        .run(
            "evaluate: %s tokens".formatted(split.label()),
            IntStream.range(0, tasks).boxed().toList(),
            task,
            StreamScores::merge,
            settings.device())
        .orElseThrow();
  }

  /** Reads a share of the streams, in whatever process it lands in. */
  private record Task(
      String dataset,
      String bundle,
      Split split,
      int batchSize,
      DeviceChoice choice,
      int streams,
      int tasks)
      implements Workers.Work<Integer, StreamScores> {
    @Override
    public StreamScores on(Iterator<Integer> numbers, Configuration hadoop) {
      TextDataset text = TextDataset.open(dataset, hadoop);
      TokenTables tables = TokenTables.of(text);
      ModelBundle opened = ModelBundle.open(bundle, hadoop);
      var scores = new StreamScores();
      try (TaskDevice own = TaskDevice.of(choice)) {
        own.device().complaint().ifPresent(Kernels::warnOnce);
        while (numbers.hasNext()) {
          int number = numbers.next();
          int size = (streams - number + tasks - 1) / tasks;
          TokenStreams tokens =
              text.streams(
                  split, streams, Truncation.every(Math.max(1, batchSize / size)), number, tasks);
          try (StreamPredictor predictor = opened.newStreamPredictor(size).on(own.device())) {
            scores.addAll(tokens.epoch(0, 0), predictor, tables);
          }
        }
      }
      return scores;
    }
  }

  private EvaluationReport report(StreamScores scores, long start) {
    int streams = settings.streams();
    List<BaselineRow> baselines = baselines(scores);
    note(streams);
    return new TextReport(
            EvaluationReport.TOKEN,
            List.of(),
            scores.tokens(),
            (int) Math.min(Integer.MAX_VALUE, dataset.tokens(settings.split()) / streams),
            scores.metrics(),
            notes,
            baselines,
            null,
            null)
        .of(settings, model, start);
  }

  private void note(int streams) {
    notes.add(
        streams == 1
            ? "Every token but the first is predicted after all before it: the state is carried over the whole split."
            : String.format(
                Locale.ROOT,
                "The split is read at %,d places at once (evaluate.streams): all tokens but the first of each are predicted after those of their own stretch.",
                streams));
    double unknown = 100 * summary().unknownShare();
    if (summary().characters() == null) {
      notes.add(
          "bits-per-character is not given: the dataset was built before characters were counted. Build it again with build-sequences.");
    } else {
      notes.add(
          String.format(
              Locale.ROOT,
              "bits-per-character is bits-per-token x %,d tokens / %,d characters of the split's clean text%s.",
              summary().tokens(),
              summary().characters(),
              unknown == 0
                  ? ""
                  : String.format(
                      Locale.ROOT,
                      ", in which unknown tokens (%.2f %%) count as one prediction each, whatever they stand for: a model of characters, which spells them, has more",
                      unknown)));
    }
    if (unknown > 0) {
      notes.add(
          String.format(
              Locale.ROOT,
              "%.2f %% of the split's tokens are the unknown token: models of other vocabularies have other perplexities.",
              unknown));
    }
  }

  private List<BaselineRow> baselines(StreamScores scores) {
    var rows = new ArrayList<BaselineRow>();
    for (BaselineKind kind : settings.baselines()) {
      if (kind == BaselineKind.UNIFORM) {
        rows.add(row(kind, scores, scores.metrics(Math.log(dataset.contract().vocabularySize()))));
      } else if (kind == BaselineKind.UNIGRAM) {
        rows.add(row(kind, scores, scores.unigram()));
      }
    }
    return rows;
  }

  private static BaselineRow row(
      BaselineKind kind, StreamScores scores, Map<Metric, Double> metrics) {
    boolean isKnown = !metrics.isEmpty();
    return new BaselineRow(
        kind.label(),
        isKnown,
        isKnown ? "" : "not available: the vocabulary was not counted in the train split",
        scores.tokens(),
        TargetPass.labelled(metrics),
        TargetPass.labelled(scores.metrics()),
        List.of(),
        List.of());
  }
}
