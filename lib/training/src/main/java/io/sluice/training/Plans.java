package io.sluice.training;

import io.sluice.config.Provenance;
import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.memory.TrainingMemory;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.training.TrainSettings.StrategyKind;
import io.sluice.training.checkpoint.Checkpoint.Position;
import io.sluice.training.loop.PipelineLayout;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.StepPlan;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.util.SerializableConfiguration;

/** From the settings of a run to what each of its processes must know. */
final class Plans {
  private Plans() {}

  /**
   * @param pretrained whose layers the run begins with
   * @param layout of a pipeline; null is none
   * @param nativeLimit bytes that a process may hold outside the heap
   */
  static RunPlan run(
      Learnable dataset,
      TrainSettings settings,
      Optional<Pretrained> pretrained,
      ModelSpec spec,
      StepPlan steps,
      PipelineLayout layout,
      long nativeLimit,
      Provenance provenance,
      Configuration hadoop) {
    TrainSettings.Checkpoints checkpoints = settings.checkpoints();
    return new RunPlan(
        provenance.runId(),
        settings.device(),
        dataset.source(),
        new SerializableConfiguration(hadoop),
        spec,
        settings.optimizer().toSpec(settings.epochs(), steps.stepsPerEpoch()),
        settings.optimizer().schedule() == OptimizerSpec.Schedule.PLATEAU
            ? settings.optimizer().plateauPatience()
            : 0,
        settings.earlyStopping(),
        steps,
        settings.seed(),
        settings.threads(),
        layout == null ? microBatches(settings, spec, nativeLimit) : layout.plan().microBatches(),
        settings.averageDecay(),
        settings.averagePatience(),
        new RunPlan.Checkpoints(
            checkpoints.path(),
            checkpoints.everySteps(),
            checkpoints.every(),
            checkpoints.everyEpochs(),
            checkpoints.keep()),
        FixedSettings.of(dataset, settings, pretrained, spec, hadoop),
        layout);
  }

  /**
   * Of a process that has all of the network. DL4J's own workers cut nothing.
   *
   * @param nativeLimit bytes that it may hold outside the heap
   */
  static int microBatches(TrainSettings settings, ModelSpec spec, long nativeLimit) {
    if (settings.strategy() == StrategyKind.ASYNC_GRADIENT_SHARING) {
      return 1;
    }
    return settings
        .accumulate()
        .orElseGet(
            () ->
                TrainingMemory.microBatches(
                    spec,
                    settings.optimizer().algorithm(),
                    settings.batchOfProcess(),
                    settings.threads(),
                    nativeLimit));
  }

  /**
   * Refuses to go on with a run that was asked to stop.
   *
   * @param checkpoint its newest
   */
  static void requireEnd(Position at, RunPlan plan, String checkpoint) {
    if (!plan.isLast(at)) {
      throw new OperationFailedException(
          "Stopped as asked after step %,d of %,d. The checkpoint is %s; run again to go on from it."
              .formatted(at.step(), plan.steps().steps(), checkpoint));
    }
  }
}
