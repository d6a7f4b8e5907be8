package io.sluice.sequences.telemetry.store;

import io.sluice.sequences.telemetry.grid.BlockShape;
import io.sluice.sequences.telemetry.grid.Grid;
import io.sluice.sequences.telemetry.source.Survey;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongPredicate;

/**
 * Which block of which series goes into which part: periods are cut, in order of series and block,
 * into parts of about {@value #STEPS_PER_PART} steps. A period's cuts depend on the rows in that
 * period only, so late data elsewhere never moves them.
 */
public final class PartPlan implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final long STEPS_PER_PART = 1 << 18;

  /** The first series and block of each part of a period. */
  private record Cuts(int firstPart, String[] series, long[] blocks) implements Serializable {}

  private final Grid grid;
  private final TreeMap<Long, Cuts> periods = new TreeMap<>();
  private final long[] periodOfPart;
  private final int[] firstPartOf;

  private PartPlan(Grid grid, TreeMap<Long, List<Object[]>> cutsByPeriod) {
    this.grid = grid;
    var periodOf = new ArrayList<Long>();
    var first = new ArrayList<Integer>();
    cutsByPeriod.forEach(
        (period, cuts) -> {
          int firstPart = periodOf.size();
          periods.put(
              period,
              new Cuts(
                  firstPart,
                  cuts.stream().map(c -> (String) c[0]).toArray(String[]::new),
                  cuts.stream().mapToLong(c -> (Long) c[1]).toArray()));
          cuts.forEach(
              c -> {
                periodOf.add(period);
                first.add(firstPart);
              });
        });
    this.periodOfPart = periodOf.stream().mapToLong(Long::longValue).toArray();
    this.firstPartOf = first.stream().mapToInt(Integer::intValue).toArray();
  }

  /**
   * Plans the parts of the periods that are wanted.
   *
   * @param extents ordered by series and period
   */
  public static PartPlan of(
      Grid grid, BlockShape shape, List<Survey.Extent> extents, LongPredicate isWanted) {
    var byPeriod = new TreeMap<Long, List<Survey.Extent>>();
    var touched = new TreeSet<Long>();
    for (Survey.Extent extent : extents) {
      byPeriod.computeIfAbsent(extent.period(), p -> new ArrayList<>()).add(extent);
      // a block with no row of its own may still own an origin, by a gap that was filled
      long from = grid.block(grid.step(extent.firstTick()) - shape.ahead() - shape.reach());
      long to = grid.block(grid.step(extent.lastTick()) + shape.lookBack() - 1 + shape.reach());
      for (long period = grid.period(from); period <= grid.period(to); period++) {
        touched.add(period);
      }
    }
    var cuts = new TreeMap<Long, List<Object[]>>();
    for (long period : touched) {
      if (isWanted.test(period)) {
        cuts.put(period, cuts(grid, byPeriod.getOrDefault(period, List.of())));
      }
    }
    return new PartPlan(grid, cuts);
  }

  private static List<Object[]> cuts(Grid grid, List<Survey.Extent> extents) {
    var cuts = new ArrayList<Object[]>();
    cuts.add(new Object[] {"", Long.MIN_VALUE});
    long filled = 0;
    for (Survey.Extent extent : extents) {
      long first = grid.block(grid.step(extent.firstTick()));
      long last = grid.block(grid.step(extent.lastTick()));
      for (long block = first; block <= last; block++) {
        if (filled >= STEPS_PER_PART) {
          // the series' halo before its first block goes with it
          cuts.add(new Object[] {extent.series(), block == first ? Long.MIN_VALUE : block});
          filled = 0;
        }
        filled += grid.segmentSteps();
      }
    }
    return cuts;
  }

  /** Parts in all. */
  public int parts() {
    return periodOfPart.length;
  }

  /** The part of a block; −1 where its period is not wanted. */
  public int partOf(String series, long block) {
    Cuts cuts = periods.get(grid.period(block));
    if (cuts == null) {
      return -1;
    }
    int low = 0;
    int high = cuts.series().length - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      int order = cuts.series()[middle].compareTo(series);
      if (order < 0 || (order == 0 && cuts.blocks()[middle] <= block)) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return cuts.firstPart() + low;
  }

  /** The folder name of a part's period. */
  public String periodName(int part) {
    return grid.periodName(periodOfPart[part]);
  }

  /** The file name of a part. */
  public String fileName(int part) {
    return "part-%05d.parquet".formatted(part - firstPartOf[part]);
  }

  /** Folder names of all periods planned. */
  public List<String> periodNames() {
    return Arrays.stream(periodOfPart).distinct().mapToObj(grid::periodName).toList();
  }
}
