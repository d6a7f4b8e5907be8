package io.sluice.sequences.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.telemetry.SequenceSettings.Aggregate;
import io.sluice.sequences.telemetry.SequenceSettings.LabelAt;
import io.sluice.sequences.telemetry.grid.BlockShape;
import io.sluice.sequences.telemetry.grid.Grid;
import io.sluice.sequences.telemetry.grid.Labels;
import io.sluice.sequences.telemetry.grid.SeriesRange;
import io.sluice.sequences.telemetry.grid.StepGrid;
import io.sluice.sequences.telemetry.grid.WindowCutter;
import io.sluice.sequences.telemetry.split.SplitPlan;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.io.TempDir;

/**
 * Blocks of any size, each built from its own readings and its halo alone, hold together every
 * window of the series once: no seam loses one or has it twice.
 *
 * <p>The blocks of many random settings, without Spark; whole builds are in {@link
 * BuildAgainstReferenceTest}.
 */
class BlocksAgainstReferenceTest {
  private static final List<String> INPUTS = List.of("temp", "flow");
  private static final List<String> TARGETS = List.of("pressure", "flow");

  @TempDir static Path folder;

  @RepeatedTest(100)
  void blocksHoldEachWindowOnce(RepetitionInfo repetition) {
    var random = new Random(repetition.getCurrentRepetition());
    RawPlant plant = RawPlant.hourly(random.nextLong(), 2, 60 + random.nextInt(60));
    SequenceSettings settings = settings(random);
    var reference = TelemetryReference.of(settings, plant);

    Map<Split, List<TelemetryReference.Window>> cut = new Blocks(settings, plant, reference).cut();

    for (Split split : Split.values()) {
      assertThat(cut.get(split))
          .as("%s, repetition %d", split.label(), repetition.getCurrentRepetition())
          .isEqualTo(reference.windows(split));
    }
  }

  private static SequenceSettings settings(Random random) {
    boolean isClass = random.nextInt(3) == 0;
    String gapPolicy = List.of("forward-fill", "interpolate", "mask", "cut").get(random.nextInt(4));
    boolean masks = gapPolicy.equals("mask") || random.nextInt(3) == 0;
    Aggregate[] aggregates = Aggregate.values();
    return new Build(folder)
        .with("name = blocks, lake.root = lake, source.path = none, source.columns.series = series")
        .with("source.columns.arrival = arrived, features.channels = [temp, flow]")
        .with("features.masks = %s, resample.gap-policy = %s".formatted(masks, gapPolicy))
        .with("resample.max-gap-steps = %d".formatted(random.nextInt(6)))
        .with(
            "resample.aggregate = "
                + aggregates[random.nextInt(aggregates.length)]
                    .name()
                    .toLowerCase(java.util.Locale.ROOT))
        .with(
            "window { look-back = %d, stride = %d }"
                .formatted(1 + random.nextInt(6), 1 + random.nextInt(5)))
        .with("dataset.segment-steps = %d".formatted(1 + random.nextInt(20)))
        .with(
            isClass
                ? "window.horizon = 0, target { type = class, label = state, label-at = %s }"
                    .formatted(List.of("last", "any", "majority").get(random.nextInt(3)))
                : "window.horizon = %d, target.channels = [pressure, flow]%s"
                    .formatted(
                        1 + random.nextInt(4),
                        random.nextInt(2) == 0 ? "" : ", features.known-future = [pressure]"))
        .with(
            "split { train = 0.5, validation = 0.25, test = 0.25, embargo = %s }"
                .formatted(List.of("auto", "0", "3").get(random.nextInt(3))))
        .settings();
  }

  /** The plain way through the classes that build one block after the other. */
  private static final class Blocks {
    private final SequenceSettings settings;
    private final RawPlant plant;
    private final List<String> stored;
    private final Grid grid;
    private final BlockShape shape;
    private final SplitPlan splits;
    private final Map<String, long[]> extents = new TreeMap<>();
    private final Map<Split, List<TelemetryReference.Window>> found = new EnumMap<>(Split.class);

    Blocks(SequenceSettings settings, RawPlant plant, TelemetryReference reference) {
      this.settings = settings;
      this.plant = plant;
      this.stored = reference.stored();
      this.grid =
          new Grid(settings.resample().axis(), settings.dataset().segmentSteps(), 86_400_000_000L);
      this.shape =
          PreparedSource.shape(
              settings.resample(),
              settings.dataset().segmentSteps(),
              settings.window().lookBack(),
              settings.window().horizon(),
              settings.features().masks());
      for (RawPlant.Row row : plant.rows()) {
        long step = grid.step(row.tick());
        extents.merge(
            row.series(),
            new long[] {step, step},
            (a, b) -> new long[] {Math.min(a[0], b[0]), Math.max(a[1], b[1])});
      }
      this.splits =
          SplitPlan.byTime(
              settings.split(),
              settings.window(),
              grid,
              extents.values().stream().mapToLong(e -> e[0]).min().orElseThrow(),
              extents.values().stream().mapToLong(e -> e[1]).max().orElseThrow(),
              null,
              series -> false);
    }

    Map<Split, List<TelemetryReference.Window>> cut() {
      for (Split split : Split.values()) {
        found.put(split, new ArrayList<>());
      }
      var steps = new StepGrid(grid, shape, aggregates(), stored.size());
      var cutter = new WindowCutter(grid, shape, rules());
      extents.forEach(
          (series, extent) -> {
            SeriesRange range = splits.range(series, extent[0], extent[1]);
            for (long b = grid.block(extent[0]); b <= grid.block(extent[1]); b++) {
              fill(steps, series, b);
              cutter.cut(steps, range, this::take);
            }
          });
      found
          .values()
          .forEach(
              windows ->
                  windows.sort(
                      Comparator.comparing(TelemetryReference.Window::series)
                          .thenComparing(TelemetryReference.Window::origin)));
      return found;
    }

    /** A block takes the readings that its shape asks for, and no others. */
    private void fill(StepGrid steps, String series, long block) {
      steps.begin(block);
      long first = shape.firstStep(grid, block);
      plant.rows().stream()
          .filter(r -> r.series().equals(series))
          .filter(r -> grid.step(r.tick()) >= first)
          .filter(r -> grid.step(r.tick()) < first + shape.steps())
          .sorted(
              Comparator.comparingLong(RawPlant.Row::tick).thenComparingLong(RawPlant.Row::arrival))
          .forEach(
              r -> {
                for (int c = 0; c < stored.size(); c++) {
                  double value = r.values()[plant.channels().indexOf(stored.get(c))];
                  steps.add(r.tick(), r.arrival(), c, value);
                }
                if (hasLabel() && r.state() != null) {
                  int state = RawPlant.STATES.indexOf(r.state());
                  steps.add(r.tick(), r.arrival(), stored.size(), state);
                }
              });
      steps.end(settings.resample().gapPolicy(), settings.resample().maxGapSteps());
    }

    private void take(Split split, Segment segment) {
      var contract = Contracts.of(settings, grid, channels(), RawPlant.STATES, null);
      for (int n : segment.origins()) {
        found.get(split).add(Build.window(contract, segment, n));
      }
    }

    private boolean hasLabel() {
      return settings.target().label() != null;
    }

    private Aggregate[] aggregates() {
      var aggregates = new Aggregate[stored.size() + (hasLabel() ? 1 : 0)];
      java.util.Arrays.fill(aggregates, settings.resample().aggregate());
      if (hasLabel()) {
        boolean any = settings.target().labelAt() == LabelAt.ANY;
        aggregates[stored.size()] = any ? Aggregate.MAX : Aggregate.LAST;
      }
      return aggregates;
    }

    private io.sluice.sequences.telemetry.source.Channels channels() {
      return new io.sluice.sequences.telemetry.source.Channels(
          stored, INPUTS, hasLabel() ? List.of() : TARGETS, settings.target().label());
    }

    private WindowCutter.Rules rules() {
      var contract = Contracts.of(settings, grid, channels(), RawPlant.STATES, null);
      boolean masks = settings.features().masks();
      return new WindowCutter.Rules(
          contract.lookBack(),
          contract.horizon(),
          contract.stride(),
          stored.size(),
          Contracts.indices(contract, contract.inputs()),
          Contracts.indices(contract, contract.target().channels()),
          Contracts.indices(contract, contract.knownFuture()),
          contract.knownFuture().isEmpty() ? 0 : contract.horizon(),
          masks,
          masks,
          hasLabel() ? RawPlant.STATES.size() : 0,
          hasLabel()
              ? new Labels(
                  settings.target().type(), settings.target().labelAt(), 0, 0, 0, null, Map.of())
              : Labels.none(),
          false);
    }
  }
}
