package io.sluice.scoring.evaluation;

import io.sluice.config.ConfigReader;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.scoring.baseline.BaselineKind;
import io.sluice.sequences.dataset.Split;
import java.io.Serializable;
import java.util.List;
import java.util.Optional;

/**
 * Settings of the {@code evaluate} job: section {@code evaluate}, the experiment's name and the
 * registry's path.
 *
 * @param name the experiment, which is the model's name in the registry
 * @param registryPath where bundles are published
 * @param bundle a bundle folder, or {@code latest}
 * @param device where to compute
 * @param dataset the dataset folder
 * @param split whose windows are predicted
 * @param batchSize windows, documents or tokens a forward pass
 * @param streams that a language model reads a split in, side by side
 * @param baselines predictions to compare with, in the order of the report; those that do not fit
 *     the target are passed over
 * @param arima how the ARIMA baseline is made
 * @param backtestFolds consecutive blocks of origins, one row each
 * @param interval probability of the central interval that is judged, in (0, 1)
 * @param threshold two classes: probability of the second from which a window is an alarm; empty =
 *     the one with the best F1 on the validation split
 * @param output folder of {@code evaluation.json}
 * @param pageSeries series drawn on the page
 * @param explain documents: which words their class hangs on
 * @param gate what the result must reach; empty = nothing
 */
public record EvaluateSettings(
    String name,
    String registryPath,
    String bundle,
    DeviceChoice device,
    String dataset,
    Split split,
    int batchSize,
    int streams,
    List<BaselineKind> baselines,
    Arima arima,
    int backtestFolds,
    double interval,
    Optional<Double> threshold,
    String output,
    int pageSeries,
    Explain explain,
    Optional<Gate> gate) {

  /**
   * @param maxWindows origins the ARIMA is filtered over, evenly spaced over the split
   * @param orders p, d, q
   * @param seasonalOrders P, D, Q
   * @param period steps a season; 0 = one day
   */
  public record Arima(
      int maxWindows, List<Integer> orders, List<Integer> seasonalOrders, int period) {}

  /**
   * What is explained of a model of documents.
   *
   * @param samples documents whose words are shaded on the page
   * @param seed another one draws other documents
   * @param negations tokens, {@code *} before an ending; empty = they are not counted
   * @param top negations are looked for among so many of a document's words, those that weigh most
   * @param flips documents that change class without their negations, at most, whose words are
   *     weighed
   */
  public record Explain(int samples, long seed, List<String> negations, int top, int flips)
      implements Serializable {}

  /**
   * The quality gate: the metric must keep the limit, or beat the baseline, or both.
   *
   * @param limit errors: at most; scores: at least
   * @param baseline must be beaten in the same metric on the same windows
   */
  public record Gate(Metric metric, Optional<Double> limit, Optional<BaselineKind> baseline) {}

  /** Reads the settings; problems are remembered by the reader. */
  public static EvaluateSettings from(ConfigReader root) {
    String name = root.string("name");
    String registryPath = root.section("registry", s -> s.string("path"));
    DeviceChoice device = root.choice("device", DeviceChoice.class);
    return root.section(
        "evaluate",
        s ->
            new EvaluateSettings(
                name,
                registryPath,
                s.string("bundle"),
                device,
                s.string("dataset"),
                s.choice("split", Split.class),
                s.intAtLeast("batch-size", 1),
                s.intAtLeast("streams", 1),
                s.choices("baselines", BaselineKind.class),
                arima(s),
                s.intAtLeast("backtest-folds", 1),
                interval(s),
                threshold(s),
                s.string("output"),
                s.intAtLeast("page-series", 0),
                s.section("explain", EvaluateSettings::explain),
                gate(s)));
  }

  private static Explain explain(ConfigReader s) {
    List<String> negations = s.strings("negations");
    s.check(
        negations.stream().noneMatch(word -> word.isBlank() || word.equals("*")),
        "negations",
        "must be words, or endings with * before them, but is %s",
        negations);
    return new Explain(
        s.intAtLeast("samples", 0),
        s.longValue("seed"),
        negations,
        s.intAtLeast("top", 1),
        s.intAtLeast("flips", 0));
  }

  private static double interval(ConfigReader s) {
    double interval = s.numberBetween("interval", 0, 1);
    s.check(
        interval > 0 && interval < 1,
        "interval",
        "must lie between 0 and 1, both excluded, but is %s",
        interval);
    return interval;
  }

  private static Optional<Double> threshold(ConfigReader s) {
    return s.string("threshold").equals("auto")
        ? Optional.empty()
        : Optional.of(s.numberBetween("threshold", 0, 1));
  }

  private static Arima arima(ConfigReader s) {
    return new Arima(
        s.intAtLeast("arima-max-windows", 1),
        orders(s, "arima-orders"),
        orders(s, "arima-seasonal-orders"),
        s.intAtLeast("arima-period", 0));
  }

  private static List<Integer> orders(ConfigReader s, String key) {
    List<Integer> orders = s.intsAtLeast(key, 0);
    s.check(
        orders.size() == 3,
        key,
        "must have three orders (autoregressive, differences, moving average), but has %d",
        orders.size());
    return orders.size() == 3 ? orders : List.of(0, 0, 0);
  }

  private static Optional<Gate> gate(ConfigReader s) {
    Optional<Double> limit =
        s.optionalNumberBetween("gate-limit", -Double.MAX_VALUE, Double.MAX_VALUE);
    Optional<BaselineKind> baseline =
        s.isSet("gate-baseline")
            ? Optional.of(s.choice("gate-baseline", BaselineKind.class))
            : Optional.empty();
    if (!s.isSet("gate-metric")) {
      s.check(limit.isEmpty(), "gate-limit", "needs gate-metric: what is limited");
      s.check(baseline.isEmpty(), "gate-baseline", "needs gate-metric: what is compared");
      return Optional.empty();
    }
    Metric metric = s.choice("gate-metric", Metric.class);
    s.check(
        limit.isPresent() || baseline.isPresent(),
        "gate-metric",
        "needs gate-limit or gate-baseline: what %s is held against",
        metric.label());
    s.check(
        metric.better() != Metric.Better.NEITHER,
        "gate-metric",
        "must be a metric with a better end, but is %s",
        metric.label());
    baseline.ifPresent(
        b ->
            s.check(
                s.strings("baselines").contains(b.label()),
                "gate-baseline",
                "must be one of evaluate.baselines %s, but is %s",
                s.strings("baselines"),
                b.label()));
    return Optional.of(new Gate(metric, limit, baseline));
  }
}
