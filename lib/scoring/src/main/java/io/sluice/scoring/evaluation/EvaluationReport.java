package io.sluice.scoring.evaluation;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.sluice.failure.QualityGateException;
import java.util.List;
import java.util.Map;

/**
 * What an evaluation found: the content of {@code evaluation.json}, described in {@code
 * data-schemas/evaluation.v1}, and all that the page is drawn from.
 *
 * <p>Metrics are maps from {@link Metric#label()} to a value; a metric that could not be computed
 * is not in the map.
 *
 * @param format {@value #FORMAT}
 * @param name the experiment
 * @param evaluatedAt ISO 8601
 * @param seconds the evaluation took
 * @param model the bundle
 * @param dataset the windows' source
 * @param target what is predicted
 * @param metrics over all windows and target values
 * @param meanings one line of meaning for each metric that occurs
 * @param notes what a reader must know to read the numbers: exclusions, choices, fallbacks
 * @param byStep per horizon step, 1 first; empty unless a forecast
 * @param byChannel per target channel; empty unless a forecast
 * @param bySeries per series, by name
 * @param folds per block of origins, oldest first
 * @param baselines per baseline, in the order of the settings
 * @param classes confusion matrix and curves; null unless classes
 * @param residuals histogram of prediction minus actual, per target channel, scaled units
 * @param tracks predicted against actual over time for some series
 * @param explanations which words the classes of documents hang on; null where there are no
 *     documents, or none is to be explained
 * @param gate the quality gate's verdict; null if there is none
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record EvaluationReport(
    String format,
    String name,
    String evaluatedAt,
    double seconds,
    ModelInfo model,
    DatasetInfo dataset,
    TargetInfo target,
    Map<String, Double> metrics,
    Map<String, String> meanings,
    List<String> notes,
    List<Row> byStep,
    List<Row> byChannel,
    List<Row> bySeries,
    List<Row> folds,
    List<BaselineRow> baselines,
    ClassDetail classes,
    List<Histogram> residuals,
    List<Track> tracks,
    Explanations explanations,
    GateVerdict gate) {

  /** The type of a target that is the class of a document. */
  public static final String DOCUMENT = "document";

  /** The type of a target that is the next token of a text. */
  public static final String TOKEN = "token";

  public static final String FORMAT = "evaluation.v1";
  public static final String FILE_NAME = "evaluation.json";

  /** What was evaluated, in the plural. */
  String examples() {
    return switch (target.type()) {
      case DOCUMENT -> "documents";
      case TOKEN -> "tokens";
      default -> "windows";
    };
  }

  public record ModelInfo(String name, String version, String uri, String hash) {}

  /**
   * @param windows evaluated, or documents, or tokens that were predicted
   * @param series 0 where there are texts
   * @param missingTargets target values that are not known and were left out
   * @param firstOrigin null where there are texts
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record DatasetInfo(
      String uri,
      String split,
      long windows,
      long series,
      long missingTargets,
      String firstOrigin,
      String lastOrigin) {}

  /**
   * @param type forecast, class, event, remaining-life, document or token
   * @param lookBack steps of a window, or tokens of the longest document, or of a stream
   * @param interval probability of the judged interval; 0 where there is none
   * @param intervalSource model quantiles, bundle residuals or validation residuals; null where
   *     there is none
   * @param stepSeconds length of a grid step; 0 for ordinal time
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record TargetInfo(
      String type,
      List<String> channels,
      List<String> classes,
      int lookBack,
      int horizon,
      double stepSeconds,
      double interval,
      String intervalSource) {}

  /**
   * One line of a table.
   *
   * @param name a step, channel, series, class, or the time a fold starts at
   * @param count target values of a forecast, windows otherwise
   */
  public record Row(String name, long count, Map<String, Double> metrics) {}

  /**
   * A baseline and the model on the same target values.
   *
   * @param note why it is not available, or for which share of values; empty if there is nothing to
   *     say
   * @param count target values compared
   * @param metrics the baseline's
   * @param model the model's on the same values
   * @param byStep the baseline's, per horizon step
   */
  public record BaselineRow(
      String name,
      boolean available,
      String note,
      long count,
      Map<String, Double> metrics,
      Map<String, Double> model,
      List<Row> byStep,
      List<Row> folds) {}

  /**
   * @param confusion [actual][predicted], windows; empty with more than 128 classes
   * @param roc points (false-alarm rate, recall), from (0, 0) to (1, 1); empty unless two classes
   * @param precisionRecall points (recall, precision); empty unless two classes
   * @param perClass precision, recall and F1 of each class
   * @param reliability windows by the probability of their most probable class
   * @param threshold an alarm is raised from this probability on; null unless two classes
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record ClassDetail(
      List<String> names,
      List<List<Long>> confusion,
      List<List<Double>> roc,
      List<List<Double>> precisionRecall,
      List<Row> perClass,
      List<ReliabilityBin> reliability,
      Double threshold) {}

  /**
   * Windows whose confidence, the probability of the most probable class, is in [from, to); the
   * last bin has those of confidence 1 too.
   *
   * @param count windows
   * @param confidence their mean
   * @param accuracy share of them whose most probable class is theirs
   */
  public record ReliabilityBin(
      double from, double to, long count, double confidence, double accuracy) {}

  /**
   * @param edges n + 1 bounds, ascending
   * @param counts share of values in each of the n bins
   */
  public record Histogram(String name, String unit, List<Double> edges, List<Double> counts) {}

  /**
   * Predicted against actual. Forecasts are consecutive and do not overlap: each point was
   * predicted from the newest origin in {@code origins} before it.
   *
   * @param times milliseconds since 1970 in UTC, or ordinal numbers
   * @param actual null where unknown
   * @param lower null (the list) where there is no interval
   * @param origins forecasts: times of the origins
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Track(
      String series,
      String channel,
      boolean ordinal,
      List<Long> times,
      List<Double> actual,
      List<Double> predicted,
      List<Double> lower,
      List<Double> upper,
      List<Long> origins) {}

  /**
   * Which words the classes of documents hang on.
   *
   * @param tokens what a token is: word, whitespace, character or subword
   * @param unknown the token that stands for what the vocabulary lacks
   * @param negations null where they are not counted
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Explanations(
      String tokens, String unknown, List<ExplainedDocument> samples, NegationCount negations) {}

  /**
   * A sample document and what each of its T tokens weighs.
   *
   * @param choice right, wrong or undecided
   * @param actual its class; null where there is no label
   * @param probability of the predicted class
   * @param attention (T); null where the model has no attention weights
   * @param occlusion (T) by how much the probability falls without the token
   * @param window consecutive tokens that were taken away together; 1 = each alone
   * @param negations positions of the tokens that deny
   * @param rankCorrelation Spearman's, of attention and the magnitude of occlusion; null where it
   *     is not defined
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record ExplainedDocument(
      String name,
      String choice,
      String actual,
      String predicted,
      float probability,
      List<String> tokens,
      List<Float> attention,
      List<Float> occlusion,
      int window,
      List<Integer> negations,
      Double rankCorrelation) {}

  /**
   * What negations do to classes.
   *
   * @param words that were looked for
   * @param documents of the split that have one of them, and another token
   * @param flips documents of these that are of another class without
   * @param explained of the flips: drawn by a hash of their names, and their words weighed
   * @param top words of a document among which a negation is looked for, those that weigh most
   * @param inTopByAttention of the explained documents: with a negation among the top; null where
   *     the model has no attention weights
   * @param inTopByOcclusion the same by the magnitude of occlusion
   * @param inTopByChance how many it would be on average if words were ranked at random
   * @param rankCorrelation mean over the explained documents; null where it is not defined
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record NegationCount(
      List<String> words,
      long documents,
      long flips,
      int explained,
      int top,
      Integer inTopByAttention,
      int inTopByOcclusion,
      double inTopByChance,
      Double rankCorrelation) {}

  /** Whether the gate lets the model pass, and the sentence that says why. */
  public record GateVerdict(String metric, boolean passed, String message) {}

  /**
   * Refuses a result that the quality gate said no to; called after everything that a person wants
   * to look at is written.
   *
   * @throws QualityGateException with the metric, its value and what it was held against
   */
  public void requireGate() {
    if (gate != null && !gate.passed()) {
      throw new QualityGateException(gate.message());
    }
  }
}
