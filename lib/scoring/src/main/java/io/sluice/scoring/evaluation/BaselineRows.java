package io.sluice.scoring.evaluation;

import io.sluice.scoring.baseline.ArimaOrders;
import io.sluice.scoring.baseline.BaselineKind;
import io.sluice.scoring.baseline.Season;
import io.sluice.scoring.evaluation.EvaluationReport.BaselineRow;
import io.sluice.scoring.evaluation.EvaluationReport.Row;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A forecast's comparison: each baseline, and the model on the same values. */
final class BaselineRows {
  private static final Logger LOG = LoggerFactory.getLogger(BaselineRows.class);

  private final Subject subject;

  BaselineRows(Subject subject) {
    this.subject = subject;
  }

  /**
   * One row a baseline, in the order of the settings.
   *
   * @param unavailable why a baseline cannot be, by kind
   */
  List<BaselineRow> of(
      ForecastPass pass, Map<BaselineKind, String> unavailable, List<String> foldNames) {
    var rows = new ArrayList<BaselineRow>();
    long all = pass.model().overall().count();
    for (BaselineKind kind : subject.settings().baselines()) {
      if (!kind.fits(TargetType.FORECAST)) {
        continue;
      }
      if (kind == BaselineKind.ARIMA) {
        rows.add(arima(pass, foldNames));
      } else if (unavailable.containsKey(kind)) {
        rows.add(missing(kind, unavailable.get(kind)));
      } else {
        ForecastPass.Comparison comparison = pass.baselines().get(kind);
        long known = comparison.baseline.overall().count();
        if (known == 0) {
          rows.add(missing(kind, "not available: the dataset holds no value so far back"));
        } else {
          String note =
              known == all
                  ? ""
                  : String.format(
                      Locale.ROOT,
                      "known for %.1f %% of the values; the others have no value so far back",
                      100.0 * known / all);
          rows.add(available(kind, note, comparison, foldNames));
        }
      }
    }
    return rows;
  }

  private BaselineRow arima(ForecastPass pass, List<String> foldNames) {
    EvaluateSettings.Arima arima = subject.settings().arima();
    WindowContract contract = subject.contract();
    int period = arima.period() > 0 ? arima.period() : Season.daily(contract.time()).orElse(1);
    ArimaOrders orders = ArimaOrders.of(arima.orders(), arima.seasonalOrders(), period);
    LOG.info("Fitting ARIMA {} and filtering it over {} origins", orders, pass.samples().size());
    var run =
        new ArimaRun(
            subject.workers(),
            subject.source(),
            contract.target().channels().stream().mapToInt(contract.channels()::indexOf).toArray(),
            contract.time().stepTicks(),
            contract.horizon(),
            orders);
    ArimaRun.Result result =
        run.run(subject.manifest().parts().stream().map(Part::path).toList(), pass.samples());
    ForecastPass.Comparison comparison = pass.compareSamples(result.forecasts());
    if (comparison.baseline.overall().count() == 0) {
      return missing(
          BaselineKind.ARIMA,
          "not available: no series has a run of %,d train values without a gap"
              .formatted(orders.leastRun()));
    }
    String unfitted =
        result.unfitted().isEmpty()
            ? ""
            : "; %d of %d could not be fitted"
                .formatted(result.unfitted().size(), result.unfitted().size() + result.fitted());
    return available(
        BaselineKind.ARIMA,
        String.format(
            Locale.ROOT,
            "%s, fitted once a series and channel on train rows%s, filtered to %,d origins evenly spaced over the split",
            orders,
            unfitted,
            pass.samples().size()),
        comparison,
        foldNames);
  }

  static BaselineRow missing(BaselineKind kind, String note) {
    return new BaselineRow(kind.label(), false, note, 0, Map.of(), Map.of(), List.of(), List.of());
  }

  private static BaselineRow available(
      BaselineKind kind, String note, ForecastPass.Comparison comparison, List<String> foldNames) {
    var folds = new ArrayList<Row>();
    for (int f = 0; f < foldNames.size(); f++) {
      ForecastSums fold = comparison.baseline.fold(f);
      folds.add(TargetPass.row(foldNames.get(f), fold.count(), fold.metrics()));
    }
    return new BaselineRow(
        kind.label(),
        true,
        note,
        comparison.baseline.overall().count(),
        TargetPass.labelled(comparison.baseline.overall().metrics()),
        TargetPass.labelled(comparison.model.overall().metrics()),
        steps(comparison.baseline),
        folds);
  }

  static List<Row> steps(ForecastScores scores) {
    var rows = new ArrayList<Row>();
    for (int h = 0; h < scores.horizon(); h++) {
      ForecastSums step = scores.step(h);
      rows.add(TargetPass.row(Integer.toString(h + 1), step.count(), step.metrics()));
    }
    return rows;
  }
}
