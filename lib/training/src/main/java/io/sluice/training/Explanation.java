package io.sluice.training;

import io.sluice.failure.UserFailure;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.ModelSummary;
import io.sluice.recurrent.pipeline.PipelinePlan;
import io.sluice.sequences.dataset.Split;
import io.sluice.training.TrainSettings.StrategyKind;
import io.sluice.training.loop.PipelineLayout;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** What a run is about to do, for a person: its network, and what that costs. */
final class Explanation {
  private Explanation() {}

  /**
   * Before there is a cluster, perhaps before there is a dataset.
   *
   * @param settings with the strategy and the number of workers decided
   * @throws io.sluice.config.InvalidConfigException if a pipeline cannot be as it is set
   */
  static String of(Supplier<Learnable> dataset, TrainSettings settings, ModelSettings model) {
    boolean isPipeline = settings.strategy() == StrategyKind.PIPELINE;
    Learnable read;
    try {
      read = dataset.get();
    } catch (UserFailure e) {
      return "model%s: to be told once build-sequences has run. %s"
          .formatted(isPipeline ? " and pipeline" : "", e.getMessage());
    }
    ModelSpec spec = read.spec(model);
    Optional<PipelineLayout> layout =
        isPipeline ? Optional.of(settings.pipeline().layout(spec, settings, 0)) : Optional.empty();
    return "dataset\n%s: %s to train on\n%s\n%s"
            .formatted(
                read.uri(),
                read.told(read.count(Split.TRAIN), spec),
                model(settings, spec),
                cost(settings, spec, layout, Plans.microBatches(settings, spec)))
        + (isPipeline ? presumption(settings) : "");
  }

  private static String presumption(TrainSettings settings) {
    return "\nplanned for %s of %d windows a step each, whatever memory executors have; a run plans again within that"
        .formatted(Strategies.words(settings), settings.batchOfProcess());
  }

  /** The layers. */
  static String model(TrainSettings settings, ModelSpec spec) {
    return "model\n%s".formatted(ModelSummary.of(spec).text(settings.batchSize()));
  }

  /**
   * What a process, or each pipeline stage, needs.
   *
   * @param microBatches of a process that has all of the network
   */
  static String cost(
      TrainSettings settings, ModelSpec spec, Optional<PipelineLayout> layout, int microBatches) {
    return layout
        .map(
            pipeline ->
                "pipeline\n%s%s"
                    .formatted(
                        pipeline.plan().text(),
                        settings.device() == DeviceChoice.GPU ? onGpus(pipeline.plan()) : ""))
        .orElseGet(
            () ->
                "native memory of each training process, a thread's share of a batch in %s: about %s"
                    .formatted(
                        microBatches == 1 ? "one piece" : microBatches + " micro-batches",
                        Preflight.memory(spec, settings, microBatches).text()));
  }

  private static String onGpus(PipelinePlan plan) {
    return plan.stages().stream()
        .map(stage -> "%,d MiB".formatted((stage.deviceBytes() >> 20) + 1))
        .collect(
            Collectors.joining(
                " and ", "\nmemory of the stages' GPUs: about ", "; the times above are a core's"));
  }
}
