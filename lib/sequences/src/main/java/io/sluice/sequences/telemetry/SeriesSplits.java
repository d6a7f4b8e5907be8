package io.sluice.sequences.telemetry;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.SequenceManifest.SplitSummary;
import io.sluice.sequences.telemetry.SequenceSettings.SplitBy;
import io.sluice.sequences.telemetry.SequenceSettings.SplitUnit;
import io.sluice.sequences.telemetry.grid.Grid;
import io.sluice.sequences.telemetry.grid.SeriesRange;
import io.sluice.sequences.telemetry.split.RowBounds;
import io.sluice.sequences.telemetry.split.SplitPlan;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * The splits of a source: which origins of which series each of them gets, and what is refused
 * where one stays empty.
 *
 * @param plan the bounds
 * @param ranges of origins, by series
 */
record SeriesSplits(
    SequenceSettings settings, SplitPlan plan, TreeMap<String, SeriesRange> ranges) {

  /**
   * Settles the splits.
   *
   * @param recorded bounds of a build before, which a rebuild keeps; else null
   * @param warnings takes series that are too short
   */
  static SeriesSplits of(
      SequenceSettings settings,
      PreparedSource source,
      Grid grid,
      JsonNode recorded,
      List<String> warnings) {
    SplitPlan plan = plan(settings, source, grid, recorded);
    return new SeriesSplits(settings, plan, ranges(settings, source, grid, plan, warnings));
  }

  private static SplitPlan plan(
      SequenceSettings settings, PreparedSource source, Grid grid, JsonNode recorded) {
    boolean hasTestSource = settings.source().testPath() != null;
    Predicate<String> isTest =
        series -> hasTestSource && series.startsWith(PreparedSource.TEST_PREFIX);
    TreeMap<String, long[]> steps = source.seriesSteps(grid);
    if (settings.split().by() == SplitBy.SERIES) {
      return SplitPlan.bySeries(
          settings.split(), settings.window(), steps.keySet(), recorded, isTest);
    }
    if (settings.split().unit() == SplitUnit.ROWS) {
      return SplitPlan.byRows(
          settings.split(),
          settings.window(),
          RowBounds.of(
              source.described(), source.usable().select("series", "tick"), grid, settings.split()),
          isTest);
    }
    var dated = new TreeMap<>(steps);
    dated.keySet().removeIf(isTest);
    return SplitPlan.byTime(
        settings.split(),
        settings.window(),
        grid,
        dated.values().stream().mapToLong(s -> s[0]).min().orElse(0),
        dated.values().stream().mapToLong(s -> s[1]).max().orElse(0),
        recorded,
        isTest);
  }

  private static TreeMap<String, SeriesRange> ranges(
      SequenceSettings settings,
      PreparedSource source,
      Grid grid,
      SplitPlan splits,
      List<String> warnings) {
    var ranges = new TreeMap<String, SeriesRange>();
    int needed = settings.window().lookBack() + settings.window().horizon();
    long tooShort = 0;
    String longest = null;
    long most = 0;
    for (var entry : source.seriesSteps(grid).entrySet()) {
      long first = entry.getValue()[0];
      long last = entry.getValue()[1];
      ranges.put(entry.getKey(), splits.range(entry.getKey(), first, last));
      long length = last - first + 1;
      tooShort += length < needed ? 1 : 0;
      if (length > most) {
        most = length;
        longest = entry.getKey();
      }
    }
    if (tooShort == ranges.size()) {
      throw new InvalidInputException(
          "%s: no series is as long as one window. The longest, %s, has %d steps; a window needs look-back + horizon = %d. Shorten window.look-back or window.horizon, or choose a finer resample.interval."
              .formatted(source.described(), longest, most, needed));
    }
    if (tooShort > 0) {
      warnings.add(
          "%d of %d series are shorter than one window (%d steps) and are left out."
              .formatted(tooShort, ranges.size(), needed));
    }
    return ranges;
  }

  /** Refuses a source that gives no window at all. */
  void requireWindows(List<Part> parts, TreeMap<String, Map<String, Long>> dropped) {
    if (parts.isEmpty()) {
      throw new InvalidInputException(
          "source.path %s gives no window from %d series. Windows that were not made, by reason: %s. See resample.gap-policy and resample.max-gap-steps for missing values, and split for what lies between splits."
              .formatted(settings.source().path(), ranges.size(), ManifestDraft.total(dropped)));
    }
  }

  /** Refuses a split that is asked for and has no window. */
  void requireSplits(Map<String, SplitSummary> summaries) {
    var split = settings.split();
    boolean hasTestSource = settings.source().testPath() != null;
    requireSplit(summaries, "train", true);
    requireSplit(
        summaries,
        "validation",
        plan.isWanted(split.validation(), split.train(), split.validationSeries()));
    requireSplit(
        summaries,
        "test",
        hasTestSource
            || (split.test() != null
                && plan.isWanted(split.test(), split.validation(), split.testSeries())));
  }

  private void requireSplit(Map<String, SplitSummary> summaries, String split, boolean isWanted) {
    if (summaries.get(split).windows() > 0 || !isWanted) {
      return;
    }
    int lookBack = settings.window().lookBack();
    int horizon = settings.window().horizon();
    String window =
        "A window needs look-back %d + horizon %d = %d steps"
            .formatted(lookBack, horizon, lookBack + horizon);
    if (settings.split().by() == SplitBy.SERIES) {
      throw new InvalidInputException(
          "The %1$s split has no window: it got no series, or none that is long enough. %2$s. Enlarge split.%1$s, or name its series in split.%1$s-series."
              .formatted(split, window));
    }
    if (split.equals("train")) {
      throw new InvalidInputException(
          "The train split has no window. %s. Enlarge split.train or shorten window.look-back."
              .formatted(window));
    }
    throw new InvalidInputException(
        "The %1$s split has no window. %2$s, and an embargo of %3$d steps is left out before the split (split.embargo). Enlarge split.%1$s, shorten window.look-back, or lower split.embargo."
            .formatted(split, window, settings.split().embargoSteps()));
  }
}
