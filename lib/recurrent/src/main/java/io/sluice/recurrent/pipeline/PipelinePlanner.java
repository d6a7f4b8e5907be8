package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.memory.NativeMemory;
import io.sluice.recurrent.memory.TrainingMemory;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.OptimizerSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Makes a {@link PipelinePlan}: tries the ways to cut a batch, places the layers for each, and
 * plays the step through.
 *
 * <p>Micro-batches are as many as {@link TrainingMemory#microBatches} says, or twice, four times …
 * as many where that is faster or nothing else fits.
 */
final class PipelinePlanner {
  /** Time chunks that are tried. */
  private static final int[] COUNTS = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64};

  /** By how much more time fewer units are better: each costs what is not modelled. */
  private static final double AS_FAST = 1.01;

  private final ModelSpec spec;
  private final OptimizerSpec.Algorithm algorithm;
  private final int windows;
  private final PipelineWishes wishes;
  private final int recurrent;
  private final int blocks;

  /** A pipeline that is possible. */
  private record Candidate(Placement placement, Cut cut, Schedule.Timing timing) {
    int units() {
      return cut.schedule.units();
    }

    double stepSeconds() {
      return timing.stepSeconds();
    }
  }

  PipelinePlanner(
      ModelSpec spec, OptimizerSpec.Algorithm algorithm, int windows, PipelineWishes wishes) {
    this.spec = spec;
    this.algorithm = algorithm;
    this.windows = windows;
    this.wishes = wishes;
    this.recurrent = spec.hiddenSizes().size();
    this.blocks = recurrent + 1;
  }

  PipelinePlan plan() {
    check();
    return plan(best().orElseThrow(this::tooLarge));
  }

  private void check() {
    int P = wishes.stages();
    Placement placement = wishes.placement();
    require(
        P >= 1 && P <= blocks,
        PipelineRefusal.Wish.STAGES,
        "must be 1 to %d, one for each of %d recurrent layer%s and one for what is above, but is %d",
        blocks,
        recurrent,
        recurrent == 1 ? "" : "s",
        P);
    if (placement != null) {
      require(
          placement.blocks() == blocks,
          PipelineRefusal.Wish.PLACEMENT,
          "must name a stage for each of %d recurrent layers and for what is above, but is %s",
          recurrent,
          placement);
      require(
          placement.count() == P,
          PipelineRefusal.Wish.PLACEMENT,
          "must use all of %d stages and no other, but is %s with %d",
          P,
          placement,
          placement.count());
    }
    int T = spec.lookBack();
    int steps = wishes.chunkSteps();
    require(
        steps >= 0 && steps <= T,
        PipelineRefusal.Wish.CHUNK_STEPS,
        "must be 1 to %d, the time steps that the network looks back, but is %d",
        T,
        steps);
    require(
        steps == 0 || steps == T || !spec.bidirectional(),
        PipelineRefusal.Wish.CHUNK_STEPS,
        "must be %d, the whole series, because bidirectional layers read it from both ends, but is %d",
        T,
        steps);
    require(
        wishes.microBatches() >= 0 && wishes.microBatches() <= windows,
        PipelineRefusal.Wish.MICRO_BATCHES,
        "must be 1 to %d, the windows of a replica's share of a batch, but is %d",
        windows,
        wishes.microBatches());
  }

  private static void require(
      boolean holds, PipelineRefusal.Wish wish, String format, Object... values) {
    if (!holds) {
      throw new PipelineRefusal(wish, format.formatted(values));
    }
  }

  /** All ways to cut a batch that are as wished. */
  private List<Cut> cuts() {
    var cuts = new ArrayList<Cut>();
    for (int M : microBatches()) {
      for (int steps : chunkSteps()) {
        cuts.add(cut(M, steps));
      }
    }
    return cuts;
  }

  private List<Integer> microBatches() {
    if (wishes.microBatches() > 0) {
      return List.of(wishes.microBatches());
    }
    var choices = new ArrayList<Integer>();
    for (long M = TrainingMemory.microBatches(spec, windows, 1); M < windows; M *= 2) {
      choices.add((int) M);
    }
    choices.add(windows);
    return choices;
  }

  private Iterable<Integer> chunkSteps() {
    int T = spec.lookBack();
    if (wishes.chunkSteps() > 0) {
      return List.of(wishes.chunkSteps());
    }
    var choices = new TreeSet<>(Comparator.<Integer>reverseOrder());
    choices.add(T);
    if (spec.bidirectional() || wishes.stages() == 1) {
      return choices;
    }
    for (int count : COUNTS) {
      choices.add((T + count - 1) / count);
    }
    return choices;
  }

  private Optional<Candidate> candidate(Cut cut) {
    return placement(cut).map(placement -> new Candidate(placement, cut, cut.timing(placement)));
  }

  private Optional<Placement> placement(Cut cut) {
    Placement wished = wishes.placement();
    if (wished != null) {
      return cut.load(wished, fullest(cut, wished)) <= 1 ? Optional.of(wished) : Optional.empty();
    }
    return new PlacementSearch(blocks, wishes.stages(), cut).best();
  }

  private static int fullest(Cut cut, Placement placement) {
    int fullest = 0;
    for (int stage = 1; stage < placement.count(); stage++) {
      if (cut.load(placement, stage) > cut.load(placement, fullest)) {
        fullest = stage;
      }
    }
    return fullest;
  }

  /** Empty if nothing is within the limit. */
  private Optional<Candidate> best() {
    List<Candidate> candidates = cuts().stream().flatMap(cut -> candidate(cut).stream()).toList();
    double fastest = candidates.stream().mapToDouble(Candidate::stepSeconds).min().orElse(0);
    return candidates.stream()
        .filter(each -> each.stepSeconds() <= AS_FAST * fastest)
        .min(Comparator.comparingInt(Candidate::units).thenComparing(Candidate::stepSeconds));
  }

  private PipelinePlan plan(Candidate chosen) {
    Placement placement = chosen.placement;
    Cut cut = chosen.cut;
    var stages = new ArrayList<PipelinePlan.Stage>();
    int passes = spec.embedding().passes();
    long numbers = (long) passes * windows * spec.lookBack();
    // rows to the head, and their gradients back
    long tied =
        spec.embedding().tied()
            ? (long) Float.BYTES * spec.embedding().words() * spec.embedding().size()
            : 0;
    for (int stage = 0; stage < placement.count(); stage++) {
      int first = placement.first(stage);
      int end = placement.end(stage);
      stages.add(
          new PipelinePlan.Stage(
              layersOf(placement, stage),
              cut.memory.parameters(first, end),
              cut.memory.of(cut.schedule, stage, first, end),
              cut.memory.ofDevice(cut.schedule, stage, first, end),
              passes * chosen.timing.busySeconds().get(stage),
              (end < blocks ? Float.BYTES * numbers * BlockSeconds.inputs(spec, end) : 0)
                  + (stage == 0 && end < blocks ? tied : 0),
              (stage > 0 ? Float.BYTES * numbers * BlockSeconds.inputs(spec, first) : 0)
                  + (stage > 0 && end == blocks ? tied : 0)));
    }
    return new PipelinePlan(
        placement,
        spec.lookBack(),
        cut.chunks.chunkSteps(),
        cut.schedule.microBatches(),
        windows,
        spec.bidirectional(),
        stages,
        passes * chosen.timing.stepSeconds(),
        // a sum in another order may be a little more than the step
        Math.max(0, chosen.timing.bubble()),
        passes * oneProcess());
  }

  /** What a stage holds, with the embedding below its recurrent layers. */
  private String layersOf(Placement placement, int stage) {
    String layers = placement.layersOf(stage);
    return stage == 0 && spec.hasEmbedding() ? "embedding, " + layers : layers;
  }

  private double oneProcess() {
    return cut(TrainingMemory.microBatches(spec, windows, 1), spec.lookBack())
        .seconds(0, 0, blocks);
  }

  private Cut cut(int microBatches, int chunkSteps) {
    var chunks = new Chunks(spec.lookBack(), chunkSteps);
    return new Cut(spec, algorithm, windows, wishes, microBatches, chunks);
  }

  /** The placement that comes nearest to the limit. */
  private record Nearest(Cut cut, Placement placement, int stage, double load) {
    boolean isOfDevice() {
      return cut.isFullerOnDevice(placement, stage);
    }

    /** What its fullest stage needs of what is too small. */
    long bytes() {
      int first = placement.first(stage);
      int end = placement.end(stage);
      return isOfDevice()
          ? cut.memory.ofDevice(cut.schedule, stage, first, end)
          : cut.memory.of(cut.schedule, stage, first, end).total();
    }

    /**
     * Its fullest stage, and why that is full.
     *
     * @param layers that the stage holds
     */
    String text(String layers) {
      int first = placement.first(stage);
      int end = placement.end(stage);
      String needed =
          isOfDevice()
              ? "%,d MiB there".formatted(NativeMemory.mebibytes(bytes()))
              : cut.memory.of(cut.schedule, stage, first, end).text();
      return "stage %d of %s (%s%s) needs %s, with %s of up to %s"
          .formatted(
              stage,
              placement,
              layers,
              end - first == 1 ? " alone" : "",
              needed,
              PipelinePlan.count(cut.schedule.microBatches(), "micro-batch"),
              PipelinePlan.count(cut.largest(), "window"));
    }
  }

  private Nearest nearest() {
    Nearest nearest = null;
    for (Cut cut : cuts()) {
      Placement placement =
          wishes.placement() != null
              ? wishes.placement()
              : new PlacementSearch(blocks, wishes.stages(), cut).emptiest();
      int stage = fullest(cut, placement);
      double load = cut.load(placement, stage);
      if (nearest == null || load < nearest.load) {
        nearest = new Nearest(cut, placement, stage, load);
      }
    }
    return nearest;
  }

  /** What is too large for the limit, and what would fit. */
  private PipelineRefusal tooLarge() {
    Nearest nearest = nearest();
    String limit =
        nearest.isOfDevice()
            ? "%,d MiB of its GPU's memory".formatted(wishes.deviceBytes() >> 20)
            : "%,d MiB".formatted(wishes.memoryBytes() >> 20);
    return new PipelineRefusal(
        nearest.isOfDevice() ? PipelineRefusal.Wish.DEVICE_MEMORY : PipelineRefusal.Wish.MEMORY,
        "must leave each stage within %s, but %s. %s"
            .formatted(
                limit,
                nearest.text(layersOf(nearest.placement, nearest.stage)),
                whatFits(nearest)));
  }

  private String whatFits(Nearest tooFull) {
    var ways = new ArrayList<String>();
    if (wishes.microBatches() > 0) {
      for (long M = 2L * wishes.microBatches(); M <= windows; M *= 2) {
        if (fits(wishes.withMicroBatches((int) M)).isPresent()) {
          ways.add("%d micro-batches".formatted(M));
          break;
        }
      }
    }
    if (wishes.chunkSteps() > 0) {
      fits(wishes.withChunkSteps(0))
          .ifPresent(
              fitting ->
                  ways.add("time chunks of %d steps".formatted(fitting.cut.chunks.chunkSteps())));
    }
    if (wishes.placement() != null) {
      fits(wishes.placedAs(null))
          .ifPresent(fitting -> ways.add("placement %s".formatted(fitting.placement)));
    }
    for (int P = wishes.stages() + 1; P <= blocks; P++) {
      if (fits(wishes.withStages(P)).isPresent()) {
        ways.add("%d stages".formatted(P));
        break;
      }
    }
    long memory = NativeMemory.mebibytes(tooFull.bytes());
    String holder = tooFull.isOfDevice() ? "GPU" : "rank";
    if (!ways.isEmpty()) {
      return "It would fit with %s, or with %,d MiB for each %s."
          .formatted(String.join(", or with ", ways), memory, holder);
    }
    // on as many stages as there can be
    Nearest nearest = planner(wishes.withMicroBatches(0).withStages(blocks)).nearest();
    return nearest.load == tooFull.load
        ? "Nothing smaller is left: give each %s %,d MiB, or make the layer smaller."
            .formatted(holder, memory)
        : "With %,d MiB for each %s it would fit. On the most stages that there can be, stage %d (%s alone) needs %,d MiB."
            .formatted(
                memory,
                holder,
                nearest.stage,
                layersOf(nearest.placement, nearest.stage),
                NativeMemory.mebibytes(nearest.bytes()));
  }

  private Optional<Candidate> fits(PipelineWishes others) {
    return planner(others).best();
  }

  private PipelinePlanner planner(PipelineWishes others) {
    return new PipelinePlanner(spec, algorithm, windows, others);
  }
}
