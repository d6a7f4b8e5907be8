package io.sluice.training;

import io.sluice.config.ConfigReader;
import io.sluice.config.Provenance;
import io.sluice.config.progress.Progress;
import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.sequences.dataset.Split;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.Checkpoint.Position;
import io.sluice.training.checkpoint.CheckpointStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.schedule.ISchedule;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a run stands: what a checkpoint holds beside the network itself, and how the two get in and
 * out of one.
 */
final class RunState {
  private static final Logger LOG = LoggerFactory.getLogger(RunState.class);

  private final Map<String, String> settings;
  private final String resumedFrom;
  private final Optional<String> publishedBefore;
  private Position position;
  private INDArray bestParameters;
  private String checkpoint;

  private RunState(
      Map<String, String> settings,
      Position position,
      INDArray bestParameters,
      String checkpoint,
      Optional<String> publishedBefore) {
    this.settings = settings;
    this.position = position;
    this.bestParameters = bestParameters;
    this.checkpoint = checkpoint;
    this.resumedFrom = checkpoint;
    this.publishedBefore = publishedBefore;
  }

  /** Puts the newest fitting checkpoint into the network, or leaves it as it is. */
  static RunState resumeOrStart(
      MultiLayerNetwork network,
      CheckpointStore checkpoints,
      Learnable dataset,
      TrainSettings settings,
      ModelSpec spec) {
    Map<String, String> fixed = FixedSettings.of(dataset, settings, spec);
    checkpoints.removeStaging();
    if (!settings.checkpoints().resume()) {
      int cleared = checkpoints.clear();
      if (cleared > 0) {
        LOG.info("Starting over: removed {} checkpoints in {}", cleared, checkpoints.uri());
      }
      return fresh(network, fixed);
    }
    Optional<CheckpointStore.Found> found = checkpoints.newest(fixed);
    return found
        .map(f -> resumed(network, f, fixed, settings))
        .orElseGet(() -> fresh(network, fixed));
  }

  private static RunState fresh(MultiLayerNetwork network, Map<String, String> fixed) {
    var start =
        new Position(0, 0, Double.NaN, Double.NaN, 0, Double.POSITIVE_INFINITY, 0, 0, List.of(), 0);
    return new RunState(fixed, start, network.params().dup(), null, Optional.empty());
  }

  private static RunState resumed(
      MultiLayerNetwork network,
      CheckpointStore.Found found,
      Map<String, String> fixed,
      TrainSettings settings) {
    Checkpoint saved = found.checkpoint();
    Position at = saved.position();
    network.setParams(row(saved.parameters()));
    if (saved.optimizer().length > 0) {
      network.getUpdater().setStateViewArray(network, row(saved.optimizer()), false);
    }
    network.getLayerWiseConfigurations().setIterationCount(Math.toIntExact(at.step()));
    // published from this checkpoint, unless the run is now longer than it was
    boolean atEnd =
        at.epoch() >= settings.epochs()
            || settings.earlyStopping().stopsAfter(at.epochsSinceBest());
    LOG.info(
        "{} {} (epoch {} of {})",
        atEnd ? "Nothing left to train:" : "Resuming from",
        found.uri(),
        at.epoch(),
        settings.epochs());
    return new RunState(
        fixed,
        at,
        row(saved.bestParameters()),
        found.uri(),
        atEnd ? found.bundle() : Optional.empty());
  }

  /** Progress and metrics, continued from here. */
  RunLog log(
      TrainSettings settings,
      StepPlan plan,
      OptimizerSpec optimizer,
      Progress progress,
      Configuration hadoop) {
    return new RunLog(
        progress.start("train", position.step(), plan.steps()),
        MetricsFile.open(settings.metricsPath(), position.step(), hadoop),
        learningRate(optimizer),
        plan,
        settings.logEverySteps(),
        position.step(),
        checkpoint,
        position.trainSeconds(),
        position.validationLoss());
  }

  /** Takes in what an epoch brought, and keeps its parameters if they are the best so far. */
  void epochDone(
      MultiLayerNetwork network,
      double loss,
      double validation,
      TrainSettings settings,
      RunLog log) {
    if (!Double.isFinite(validation)) {
      throw new OperationFailedException(
          "Validation loss is %s after epoch %d, with a train loss of %.4g. Look for extreme values in the validation split, or lower train.learning-rate."
              .formatted(validation, position.epoch() + 1, loss));
    }
    int epoch = position.epoch() + 1;
    boolean best = settings.earlyStopping().isBetter(validation, position.bestLoss());
    if (best) {
      bestParameters = network.params().dup();
    }
    int onPlateau = best ? 0 : position.epochsOnPlateau() + 1;
    boolean lowersRate = settings.optimizer().lowersRateAfter(onPlateau);
    var reductions = new ArrayList<>(position.rateReductions());
    if (lowersRate) {
      reductions.add(Math.toIntExact(log.step()));
    }
    position =
        new Position(
            epoch,
            log.step(),
            loss,
            validation,
            best ? epoch : position.bestEpoch(),
            best ? validation : position.bestLoss(),
            best ? 0 : position.epochsSinceBest() + 1,
            log.totalSeconds(),
            reductions,
            lowersRate ? 0 : onPlateau);
    log.epochEnds(loss, validation, best);
  }

  /** The learning rate by step, as far as it is known after the last epoch. */
  ISchedule learningRate(OptimizerSpec optimizer) {
    return optimizer.learningRateSchedule(position.rateReductions());
  }

  /** Writes a checkpoint; returns its URI. */
  String save(MultiLayerNetwork network, CheckpointStore checkpoints, RunLog log) {
    INDArray optimizer = network.getUpdater().getStateViewArray();
    checkpoint =
        checkpoints.save(
            new Checkpoint(
                position,
                settings,
                floats(network.params()),
                optimizer == null ? new float[0] : floats(optimizer),
                floats(bestParameters)));
    return checkpoint;
  }

  /** Whether no epoch follows. */
  boolean isLast(TrainSettings settings) {
    return position.epoch() >= settings.epochs()
        || settings.earlyStopping().stopsAfter(position.epochsSinceBest());
  }

  int epoch() {
    return position.epoch();
  }

  int epochsSinceBest() {
    return position.epochsSinceBest();
  }

  Position position() {
    return position;
  }

  INDArray bestParameters() {
    return bestParameters;
  }

  /** The last checkpoint's URI. */
  String checkpoint() {
    return checkpoint;
  }

  /** The bundle that an earlier attempt has published at the end of this run. */
  Optional<String> publishedBefore() {
    return publishedBefore;
  }

  TrainReport report(
      Learnable dataset,
      TrainSettings settings,
      MultiLayerNetwork network,
      StepPlan plan,
      double moved,
      RunLog log,
      TrainReport.Bundle bundle,
      Provenance provenance) {
    return new TrainReport(
        settings.name(),
        provenance.runId(),
        dataset.uri(),
        ConfigReader.kebab(settings.strategy()),
        network.numParams(),
        dataset.count(Split.TRAIN),
        dataset.count(Split.VALIDATION),
        Trainer.unused(dataset, plan),
        position.epoch(),
        position.step(),
        position.epoch() < settings.epochs(),
        resumedFrom,
        position.bestEpoch(),
        position.bestLoss(),
        position.validationLoss(),
        position.trainLoss(),
        moved,
        log.windowsPerSecond(),
        log.seconds(),
        checkpoint,
        settings.metricsPath(),
        bundle);
  }

  private static INDArray row(float[] values) {
    return Nd4j.create(values, new long[] {1, values.length}, 'c');
  }

  private static float[] floats(INDArray array) {
    return array.dup('c').data().asFloat();
  }
}
