package io.sluice.training;

import io.sluice.config.progress.Progress;
import io.sluice.failure.UserFailure;
import io.sluice.training.checkpoint.Checkpoint.Position;
import io.sluice.training.loop.RunObserver;
import io.sluice.training.loop.StepPlan;
import io.sluice.training.loop.StepTime;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.apache.hadoop.conf.Configuration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a run tells while it trains: the progress line, the metrics file, one line of log an epoch.
 */
final class RunLog implements RunObserver, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunLog.class);

  private final Progress.Task task;
  private final MetricsFile metrics;
  private final StepPlan plan;

  /** Says what its examples and losses are. */
  private final Learnable dataset;

  private final int everySteps;
  private final double secondsBefore;
  private final long startNanos = System.nanoTime();

  private double validationLoss;
  private long trainedNanos;
  private long trainedWindows;
  private long epochNanos;
  private long epochWindows;
  private long epochStart = startNanos;
  private StepTime epochTime = StepTime.NONE;
  private volatile String checkpoint;
  private volatile List<String> devices = List.of();

  private RunLog(
      Progress.Task task,
      MetricsFile metrics,
      StepPlan plan,
      Learnable dataset,
      int everySteps,
      Position start) {
    this.task = task;
    this.metrics = metrics;
    this.plan = plan;
    this.dataset = dataset;
    this.everySteps = everySteps;
    this.secondsBefore = start.trainSeconds();
    this.validationLoss = start.validationLoss();
  }

  /**
   * @param dataset that a run learns from
   * @param start where the run goes on, or begins
   */
  static RunLog open(
      TrainSettings settings,
      StepPlan plan,
      Learnable dataset,
      Position start,
      Progress progress,
      Configuration hadoop) {
    return new RunLog(
        progress.start("train", plan.steps()),
        MetricsFile.open(settings.metricsPath(), start.step(), hadoop),
        plan,
        dataset,
        settings.logEverySteps(),
        start);
  }

  @Override
  public void devicesKnown(List<String> known) {
    devices = known;
  }

  /** On which devices the run computed last, by rank; none where there was nothing to compute. */
  List<String> devices() {
    return devices;
  }

  @Override
  public synchronized void restartsAt(Position at) {
    metrics.dropAfter(at.step());
    validationLoss = at.validationLoss();
    startEpoch();
  }

  @Override
  public synchronized void stepsDone(StepsDone done) {
    epochWindows += done.windows();
    epochNanos = System.nanoTime() - epochStart;
    epochTime = epochTime.plus(done.time());
    if ((done.step() - done.count()) / everySteps != done.step() / everySteps) {
      metrics.add(line(done, seconds() + secondsBefore));
    }
    task.at(done.step(), () -> progressLine(done));
  }

  @Override
  public synchronized void epochDone(EpochDone done) {
    Position at = done.at();
    trainedNanos += epochNanos;
    trainedWindows += epochWindows;
    validationLoss = at.validationLoss();
    metrics.add(
        new MetricsFile.Line(
            at.epoch(),
            at.step(),
            at.trainLoss(),
            at.validationLoss(),
            null,
            done.learningRateOfLast(),
            rate(),
            seconds() + secondsBefore,
            share(epochTime.computeNanos()),
            share(epochTime.exchangeNanos()),
            share(epochTime.readNanos()),
            epochTime.bytesSent()));
    write("Training goes on.");
    LOG.info(
        "epoch {}/{} | step {} | loss {} | validation {}{} | {} {}/s{}",
        at.epoch(),
        plan.epochs(),
        at.step(),
        dataset.told(at.trainLoss()),
        dataset.told(at.validationLoss()),
        done.best() ? ", best so far" : "",
        (long) rate(),
        dataset.examples(),
        epochTime.denseBytes() > 0 ? sent() : "");
    if (done.learningRate() < done.rateBefore()) {
      LOG.info(
          "learning rate {} from step {} on, before {}: the validation loss stands still",
          number(done.learningRate()),
          at.step() + 1,
          number(done.rateBefore()));
    }
    startEpoch();
  }

  /** What is told so far is kept with the checkpoint: a run that goes on from it goes on here. */
  @Override
  public synchronized void checkpointed(String uri) {
    checkpoint = uri;
    write("Training goes on.");
  }

  /**
   * Metrics are worth a warning, and no more: all lines are written again the next time.
   *
   * @param consequence of not writing them
   */
  private void write(String consequence) {
    try {
      metrics.write();
    } catch (UserFailure e) {
      LOG.warn("{} {}", e.getMessage(), consequence);
    }
  }

  private void startEpoch() {
    epochStart = System.nanoTime();
    epochNanos = 0;
    epochWindows = 0;
    epochTime = StepTime.NONE;
  }

  /** The newest checkpoint of this attempt; null before the first. */
  String checkpoint() {
    return checkpoint;
  }

  /** Windows trained a second, validation not counted; 0 before the first epoch's end. */
  double windowsPerSecond() {
    return trainedNanos == 0 ? 0 : trainedWindows * 1e9 / trainedNanos;
  }

  /** Seconds since this run was started, without those of earlier ones. */
  double seconds() {
    return (System.nanoTime() - startNanos) / 1e9;
  }

  /** Of a run that failed, too, what it did is told. */
  @Override
  public synchronized void close() {
    write("Nothing but metrics is missing for it.");
    task.close();
  }

  private MetricsFile.Line line(StepsDone done, double elapsed) {
    OptionalDouble norm = done.norm();
    return new MetricsFile.Line(
        done.epoch(),
        done.step(),
        done.loss(),
        null,
        norm.isPresent() && Double.isFinite(norm.getAsDouble()) ? norm.getAsDouble() : null,
        done.learningRate(),
        rate(),
        elapsed,
        share(epochTime.computeNanos()),
        share(epochTime.exchangeNanos()),
        share(epochTime.readNanos()),
        epochTime.bytesSent());
  }

  private String progressLine(StepsDone done) {
    var line = new StringBuilder();
    int stepsPerEpoch = plan.stepsPerEpoch();
    line.append("epoch %d/%d".formatted(done.epoch(), plan.epochs()));
    line.append(
        " | step %d/%d"
            .formatted(done.step() - (done.epoch() - 1L) * stepsPerEpoch, stepsPerEpoch));
    line.append(" | loss ").append(number(done.loss()));
    line.append(" | validation ")
        .append(Double.isNaN(validationLoss) ? "-" : number(validationLoss));
    done.norm()
        .ifPresent(n -> line.append(" | norm ").append(String.format(Locale.ROOT, "%.3g", n)));
    line.append(
        String.format(
            Locale.ROOT,
            " | lr %.1e | %,d %s/s",
            done.learningRate(),
            (long) rate(),
            dataset.examples()));
    if (epochTime.nanos() > 0) {
      line.append(
          " | compute %s, all-reduce %s, reading %s"
              .formatted(
                  percent(epochTime.computeNanos()),
                  percent(epochTime.exchangeNanos()),
                  percent(epochTime.readNanos())));
    }
    return line.toString();
  }

  /** Of the epoch so far, by one rank. */
  private String sent() {
    return String.format(
        Locale.ROOT,
        " | sent %.1f MB, %.3f of a dense all-reduce",
        epochTime.bytesSent() / 1e6,
        (double) epochTime.bytesSent() / epochTime.denseBytes());
  }

  private String percent(long nanos) {
    return Math.round(100 * share(nanos)) + "%";
  }

  private double share(long nanos) {
    return epochTime.nanos() == 0 ? 0 : (double) nanos / epochTime.nanos();
  }

  private double rate() {
    return epochNanos == 0 ? 0 : epochWindows * 1e9 / epochNanos;
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.4g", value);
  }
}
