package io.sluice.training;

import io.sluice.failure.UserFailure;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.model.LayerRates;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.ModelSummary;
import io.sluice.recurrent.optim.LayerGroup;
import io.sluice.recurrent.pipeline.PipelinePlan;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.Padding;
import io.sluice.training.TrainSettings.StrategyKind;
import io.sluice.training.loop.PipelineLayout;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What a run is about to do, for a person: its network, and what that costs. */
final class Explanation {
  private Explanation() {}

  /**
   * Before there is a cluster, perhaps before there is a dataset.
   *
   * @param settings with the strategy and the number of workers decided
   * @throws UserFailure if there is nothing to learn in the dataset, settings do not fit it, or a
   *     pipeline cannot be as it is set
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
    read.requireTrainable();
    read.requireFit(settings);
    ModelSpec spec = read.spec(model);
    Optional<PipelineLayout> layout =
        isPipeline ? Optional.of(settings.pipeline().layout(spec, settings, 0)) : Optional.empty();
    return "dataset\n%s: %s to train on%s\n%s\n%s"
            .formatted(
                read.uri(),
                read.told(read.count(Split.TRAIN), spec),
                read.padding().map(padding -> "\n" + padding(padding, settings)).orElse(""),
                model(settings, spec),
                cost(
                    settings,
                    spec,
                    layout,
                    Plans.microBatches(settings, spec, nativeLimit(settings))))
        + (isPipeline ? presumption(settings) : "");
  }

  /** That of the process which says so, where it is the one that would train. */
  private static long nativeLimit(TrainSettings settings) {
    return settings.strategy() == StrategyKind.LOCAL
        ? NativeLimit.of(settings, Optional.empty())
        : NativeLimit.NONE;
  }

  private static String presumption(TrainSettings settings) {
    return "\nplanned for %s of %d windows a step each, whatever memory executors have; a run plans again within that"
        .formatted(Strategies.words(settings), settings.batchOfProcess());
  }

  /** What of a run's work on documents is in vain, and what to do about it where it is much. */
  static String padding(Padding padding, TrainSettings settings) {
    if (padding.share().isEmpty()) {
      return "padding: not known, because %s was built before lengths were written down to the token; build it again with build-sequences"
          .formatted(settings.datasetPath());
    }
    String expected =
        String.format(
            Locale.ROOT,
            "padding: about %.1f %% of the computed steps, with %s",
            100 * padding.share().getAsDouble(),
            padding.poolBatches() == 1
                ? "batches of neighbours in length"
                : "%d batches mixed with one another".formatted(padding.poolBatches()));
    return padding.isMuch()
        ? expected
            + ". The documents are few for their range of lengths: lower train.batch-size (%d), build with more of them, or with a smaller text.max-tokens."
                .formatted(settings.batchSize())
        : expected;
  }

  /** The layers, and how they learn where they do not all learn alike. */
  static String model(TrainSettings settings, ModelSpec spec) {
    return "model\n%s%s"
        .formatted(ModelSummary.of(spec).text(settings.batchSize()), layerRates(settings, spec));
  }

  private static String layerRates(TrainSettings settings, ModelSpec spec) {
    // as if an epoch were one step
    List<LayerGroup> groups = settings.optimizer().toSpec(1, 1).layerRates().groups(spec);
    List<String> names = LayerRates.names(spec);
    return groups.isEmpty()
        ? ""
        : IntStream.range(0, groups.size())
            .mapToObj(
                k ->
                    "%s %.3g %s"
                        .formatted(
                            names.get(k),
                            groups.get(k).factor(),
                            groups.get(k).learnsAt(settings.epochs() - 1)
                                ? "from epoch %d on".formatted(groups.get(k).firstStep() + 1)
                                : "never (train.epochs is %d)".formatted(settings.epochs())))
            .collect(Collectors.joining(", ", "\nshares of the learning rate: ", ""));
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
