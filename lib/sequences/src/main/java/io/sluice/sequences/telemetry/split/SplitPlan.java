package io.sluice.sequences.telemetry.split;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.config.ConfigReader;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.telemetry.SequenceSettings.SplitBy;
import io.sluice.sequences.telemetry.SequenceSettings.SplitSettings;
import io.sluice.sequences.telemetry.SequenceSettings.SplitUnit;
import io.sluice.sequences.telemetry.SequenceSettings.Window;
import io.sluice.sequences.telemetry.grid.Grid;
import io.sluice.sequences.telemetry.grid.SeriesRange;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * The bounds of the splits of one dataset, resolved; see the package for the rule.
 *
 * @param settings as given
 * @param window T, H
 * @param ends by time: first step after train, validation and test; null where bounds are per
 *     series
 * @param rowEnds by rows: the same per series; else empty
 * @param seriesSplits by series: the split of each; else empty
 * @param testSeries series of a separate test source, all of them test
 */
public record SplitPlan(
    SplitSettings settings,
    Window window,
    long[] ends,
    Map<String, long[]> rowEnds,
    Map<String, Split> seriesSplits,
    Predicate<String> testSeries) {

  private static final int TRAIN = Split.TRAIN.ordinal();
  private static final int VALIDATION = Split.VALIDATION.ordinal();
  private static final int TEST = Split.TEST.ordinal();

  /** A split by one calendar: shares of all steps, or dates. */
  public static SplitPlan byTime(
      SplitSettings settings,
      Window window,
      Grid grid,
      long firstStep,
      long lastStep,
      JsonNode recorded,
      Predicate<String> testSeries) {
    long[] ends;
    if (settings.unit() == SplitUnit.INSTANT) {
      ends =
          new long[] {
            stepAfter(grid, settings.train()),
            stepAfter(grid, settings.validation()),
            settings.test() == null ? lastStep + 1 : stepAfter(grid, settings.test())
          };
    } else if (recorded != null && recorded.hasNonNull("trainEnd")) {
      // the last bound is open: late and new rows belong to test
      ends =
          new long[] {
            grid.step(recorded.get("trainEnd").asLong()),
            grid.step(recorded.get("validationEnd").asLong()),
            recorded.get("testIsOpen").asBoolean()
                ? lastStep + 1
                : grid.step(recorded.get("testEnd").asLong())
          };
    } else {
      double steps = (double) (lastStep - firstStep + 1);
      ends =
          new long[] {
            firstStep + share(settings.train(), steps),
            firstStep + share(settings.train() + settings.validation(), steps),
            firstStep + share(settings.train() + settings.validation() + settings.test(), steps)
          };
    }
    return new SplitPlan(settings, window, ends, Map.of(), Map.of(), testSeries);
  }

  private static long share(double share, double steps) {
    return (long) Math.floor(share * steps + 1e-6); // 0.7 + 0.15 + 0.15 is a little less than 1
  }

  // a step belongs to the split in which it begins
  private static long stepAfter(Grid grid, double ticks) {
    long tick = (long) ticks;
    long step = grid.step(tick);
    return grid.tick(step) == tick ? step : step + 1;
  }

  /**
   * A split by each series' own rows.
   *
   * @param rowEnds per series, the step after the last row of train, validation and test
   */
  public static SplitPlan byRows(
      SplitSettings settings,
      Window window,
      Map<String, long[]> rowEnds,
      Predicate<String> testSeries) {
    return new SplitPlan(settings, window, null, rowEnds, Map.of(), testSeries);
  }

  /** A split by series. */
  public static SplitPlan bySeries(
      SplitSettings settings,
      Window window,
      Set<String> series,
      JsonNode recorded,
      Predicate<String> testSeries) {
    return new SplitPlan(
        settings,
        window,
        null,
        Map.of(),
        SeriesDraw.draw(settings, series, recorded, testSeries),
        testSeries);
  }

  /** Which origins of a series belong to which split. */
  public SeriesRange range(String series, long firstStep, long lastStep) {
    int H = window.horizon();
    var first = new long[Split.values().length];
    var last = new long[Split.values().length];
    for (Split split : Split.values()) {
      int s = split.ordinal();
      long lo = lo(series, split);
      long hi = hi(series, split);
      // targets o+1 … o+H, or o itself, in [lo, hi)
      long lowest = lo == Long.MIN_VALUE ? lo : H > 0 ? lo - 1 : lo;
      first[s] = Math.max(lowest, firstStep + window.lookBack() - 1);
      last[s] = hi == Long.MIN_VALUE ? hi : Math.min(hi - 1, lastStep) - H;
    }
    return new SeriesRange(series, firstStep, lastStep, first, last);
  }

  private long lo(String series, Split split) {
    long[] own = ends(series);
    if (own == null || split == Split.TRAIN) {
      return Long.MIN_VALUE;
    }
    return own[split.ordinal() - 1] + settings.embargoSteps();
  }

  private long hi(String series, Split split) {
    long[] own = ends(series);
    if (own != null) {
      return own[split.ordinal()];
    }
    Split whole = testSeries.test(series) ? Split.TEST : seriesSplits.get(series);
    return whole == split ? Long.MAX_VALUE : Long.MIN_VALUE;
  }

  private long[] ends(String series) {
    return testSeries.test(series) ? null : ends != null ? ends : rowEnds.get(series);
  }

  /** Steps left out, as the manifest says: by series there are none. */
  public int embargoSteps() {
    return settings.by() == SplitBy.SERIES ? 0 : settings.embargoSteps();
  }

  /**
   * Whether settings ask for a split, so that an empty one is a mistake.
   *
   * @param share of the split, rows, or its end
   * @param before of the split before
   * @param named series named for it
   */
  public boolean isWanted(double share, double before, List<String> named) {
    if (settings.by() == SplitBy.SERIES && !seriesSplits.isEmpty() && isNamed()) {
      return !named.isEmpty();
    }
    return settings.unit() == SplitUnit.INSTANT ? share > before : share > 0;
  }

  private boolean isNamed() {
    return !settings.trainSeries().isEmpty()
        || !settings.validationSeries().isEmpty()
        || !settings.testSeries().isEmpty();
  }

  /** The bounds for the manifest: enough to rebuild a time range with the same ones. */
  public JsonNode toJson(Grid grid) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("by", ConfigReader.kebab(settings.by()));
    json.put("embargoSteps", embargoSteps());
    if (settings.by() == SplitBy.SERIES) {
      var bySplit = new TreeMap<String, List<String>>();
      for (Split split : Split.values()) {
        bySplit.put(
            split.label(),
            seriesSplits.entrySet().stream()
                .filter(e -> e.getValue() == split)
                .map(Map.Entry::getKey)
                .sorted()
                .toList());
      }
      bySplit.forEach((split, names) -> names.forEach(json.withArray("/" + split)::add));
      return json;
    }
    json.put("unit", ConfigReader.kebab(settings.unit()));
    if (settings.unit() == SplitUnit.ROWS) {
      json.put("trainRows", (long) settings.train());
      json.put("validationRows", (long) settings.validation());
      json.put("testRows", settings.test().longValue());
    } else {
      json.put("trainEnd", grid.tick(ends[TRAIN]));
      json.put("validationEnd", grid.tick(ends[VALIDATION]));
      json.put("testEnd", grid.tick(ends[TEST]));
      json.put("testIsOpen", testIsOpen());
    }
    return json;
  }

  private boolean testIsOpen() {
    return settings.test() == null
        || (settings.unit() == SplitUnit.FRACTION
            && settings.train() + settings.validation() + settings.test() > 1 - 1e-9);
  }
}
