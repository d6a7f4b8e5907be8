package io.sluice.training;

import io.sluice.config.ConfigReader;
import io.sluice.config.InvalidConfigException;
import io.sluice.failure.InsufficientClusterException;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.pipeline.PipelinePlan;
import io.sluice.recurrent.pipeline.PipelineRefusal;
import io.sluice.recurrent.pipeline.PipelineWishes;
import io.sluice.recurrent.pipeline.Placement;
import io.sluice.training.allreduce.WireFormat;
import io.sluice.training.loop.PipelineLayout;
import java.util.List;
import java.util.Optional;

/**
 * How the layers of a network are spread over ranks.
 *
 * @param stages P; empty is as many as {@code placement} has, or {@value #STAGES}
 * @param placement a stage for each recurrent layer, lowest first, and perhaps one for what is
 *     above them; empty is the one that balances the stages
 * @param timeChunk time steps of a time chunk; empty leaves it to the plan
 * @param wire how activations and their gradients travel
 * @param deviceMemory bytes that layers may take of a rank's GPU; 0 leaves it to what is free there
 */
record PipelineSettings(
    Optional<Integer> stages,
    Optional<List<Integer>> placement,
    Optional<Integer> timeChunk,
    WireFormat wire,
    long deviceMemory) {
  private static final int STAGES = 2;

  static PipelineSettings from(ConfigReader section) {
    var settings =
        new PipelineSettings(
            section.isAuto("stages")
                ? Optional.empty()
                : Optional.of(section.intAtLeast("stages", 1)),
            section.isAuto("placement")
                ? Optional.empty()
                : Optional.of(section.intsAtLeast("placement", 0)),
            section.isAuto("time-chunk")
                ? Optional.empty()
                : Optional.of(section.intAtLeast("time-chunk", 1)),
            section.choice("wire", WireFormat.class),
            section.isAuto("device-memory") ? 0 : section.bytes("device-memory"));
    int placed = settings.placed();
    section.check(
        placed == 0 || settings.stages.isEmpty() || settings.stages.get() == placed,
        "stages",
        "must be auto or the %d that placement has, but is %d",
        placed,
        settings.stages.orElse(0));
    return settings;
  }

  /** Stages of the placement that is given; 0 if none is. */
  private int placed() {
    return placement.map(given -> given.stream().max(Integer::compare).orElse(-1) + 1).orElse(0);
  }

  /** P. */
  int count() {
    return stages.orElseGet(() -> placed() > 0 ? placed() : STAGES);
  }

  /**
   * The layout of a run.
   *
   * @param settings of the run, these among them
   * @param rankBytes native memory of a rank; 0 is no limit
   * @throws InvalidConfigException if there is no such layout
   * @throws InsufficientClusterException if there is none that ranks have the memory for
   */
  PipelineLayout layout(ModelSpec spec, TrainSettings settings, long rankBytes) {
    PipelineWishes wishes =
        PipelineWishes.ofStages(count())
            .placedAs(placed(spec))
            .withChunkSteps(timeChunk.orElse(0))
            .withMicroBatches(settings.accumulate().orElse(0))
            .within(rankBytes)
            .onDevicesOf(settings.device() == DeviceChoice.CPU ? 0 : deviceMemory);
    try {
      return new PipelineLayout(
          PipelinePlan.of(
              spec, settings.optimizer().algorithm(), settings.batchOfProcess(), wishes),
          wire);
    } catch (PipelineRefusal refusal) {
      throw switch (refusal.wish()) {
        case STAGES -> refused("train.pipeline.stages", refusal);
        case PLACEMENT -> refused("train.pipeline.placement", refusal);
        case CHUNK_STEPS -> refused("train.pipeline.time-chunk", refusal);
        case MICRO_BATCHES -> refused("train.accumulate", refusal);
        case MEMORY ->
            tooLarge(
                refusal,
                "executors",
                "A rank has its share of spark.executor.memoryOverhead (SLUICE_OFFHEAP_MEMORY), which the ranks of an executor divide.");
        case DEVICE_MEMORY ->
            tooLarge(refusal, "GPUs", "train.pipeline.device-memory says what each has.");
      };
    }
  }

  private InsufficientClusterException tooLarge(
      PipelineRefusal refusal, String holders, String whatTheyHave) {
    return new InsufficientClusterException(
        "The pipeline does not fit into the %s: train.pipeline.placement%s %s %s"
            .formatted(
                holders, placement.isEmpty() ? " (auto)" : "", refusal.getMessage(), whatTheyHave));
  }

  private Placement placed(ModelSpec spec) {
    try {
      return placement.map(given -> Placement.of(given, spec.hiddenSizes().size())).orElse(null);
    } catch (IllegalArgumentException e) {
      throw refused("train.pipeline.placement", e);
    }
  }

  private static InvalidConfigException refused(String key, Exception why) {
    return new InvalidConfigException(
        "for this model", List.of("%s %s".formatted(key, why.getMessage())));
  }
}
