package io.sluice.training;

import io.sluice.config.progress.Progress;
import io.sluice.failure.OperationFailedException;
import java.util.Locale;
import java.util.OptionalDouble;
import org.nd4j.linalg.schedule.ISchedule;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a run tells while it trains: the progress line, the metrics file, one line of log an epoch.
 * It is also where the first loss that is not finite ends the run.
 */
final class RunLog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunLog.class);

  private final Progress.Task task;
  private final MetricsFile metrics;
  private final int stepsPerEpoch;
  private final int epochs;
  private final int everySteps;
  private final double secondsBefore;
  private final long startNanos = System.nanoTime();

  private ISchedule learningRate;
  private long step;
  private String checkpoint;
  private double validationLoss;
  private double lastFinite = Double.NaN;
  private long trainedNanos;
  private long trainedWindows;
  private long epochNanos;
  private long epochWindows;
  private long epochStart;

  /**
   * @param step steps finished by earlier attempts
   * @param checkpoint the one this run resumed from; null if none
   * @param secondsBefore time earlier attempts took
   * @param validationLoss after their last epoch; NaN if there was none
   */
  RunLog(
      Progress.Task task,
      MetricsFile metrics,
      ISchedule learningRate,
      StepPlan plan,
      int everySteps,
      long step,
      String checkpoint,
      double secondsBefore,
      double validationLoss) {
    this.task = task;
    this.metrics = metrics;
    this.learningRate = learningRate;
    this.stepsPerEpoch = plan.stepsPerEpoch();
    this.epochs = plan.epochs();
    this.everySteps = everySteps;
    this.step = step;
    this.checkpoint = checkpoint;
    this.secondsBefore = secondsBefore;
    this.validationLoss = validationLoss;
  }

  void epochStarts() {
    epochStart = System.nanoTime();
    epochNanos = 0;
    epochWindows = 0;
  }

  /**
   * {@code count} more steps are done.
   *
   * @param windows they learned from, together
   * @param loss of the last of them
   * @param gradientNorm of the last of them, before clipping; empty where it was not measured
   * @throws OperationFailedException if the loss is not finite
   */
  void steps(int count, long windows, double loss, OptionalDouble gradientNorm) {
    long before = step;
    step += count;
    epochWindows += windows;
    epochNanos = System.nanoTime() - epochStart;
    if (!Double.isFinite(loss)) {
      throw diverged(loss, before, gradientNorm);
    }
    lastFinite = loss;
    if (before / everySteps != step / everySteps) {
      metrics.add(line(loss, null, gradientNorm));
    }
    task.at(step, () -> progressLine(loss, gradientNorm));
  }

  /** An epoch's steps and validation are done. */
  void epochEnds(double loss, double validationLoss, boolean best) {
    trainedNanos += epochNanos;
    trainedWindows += epochWindows;
    this.validationLoss = validationLoss;
    metrics.add(line(loss, validationLoss, OptionalDouble.empty()));
    metrics.write();
    LOG.info(
        "epoch {}/{} | step {} | loss {} | validation {}{} | {} windows/s",
        epoch(),
        epochs,
        step,
        number(loss),
        number(validationLoss),
        best ? ", best so far" : "",
        (long) rate());
  }

  void checkpointed(String uri) {
    checkpoint = uri;
  }

  /** The learning rate by step, of the steps that follow. */
  ISchedule learningRate() {
    return learningRate;
  }

  /** The learning rate is another one from here on. */
  void learningRate(ISchedule next) {
    double before = learningRate.valueAt((int) step, 0);
    double after = next.valueAt((int) step, 0);
    if (after < before) {
      LOG.info(
          "learning rate {} from step {} on, before {}: the validation loss stands still",
          number(after),
          step + 1,
          number(before));
    }
    learningRate = next;
  }

  /** Steps finished, over all attempts. */
  long step() {
    return step;
  }

  /** Windows trained a second by this attempt, validation not counted. */
  double windowsPerSecond() {
    return trainedNanos == 0 ? 0 : trainedWindows * 1e9 / trainedNanos;
  }

  /** Seconds since this attempt started. */
  double seconds() {
    return (System.nanoTime() - startNanos) / 1e9;
  }

  /** Seconds of all attempts. */
  double totalSeconds() {
    return secondsBefore + seconds();
  }

  @Override
  public void close() {
    task.close();
  }

  private MetricsFile.Line line(double loss, Double validation, OptionalDouble norm) {
    return new MetricsFile.Line(
        epoch(),
        step,
        loss,
        validation,
        norm.isPresent() && Double.isFinite(norm.getAsDouble()) ? norm.getAsDouble() : null,
        rateAt(step),
        rate(),
        totalSeconds());
  }

  private String progressLine(double loss, OptionalDouble norm) {
    var line = new StringBuilder();
    line.append("epoch %d/%d".formatted(epoch(), epochs));
    line.append(" | step %d/%d".formatted(step - (epoch() - 1L) * stepsPerEpoch, stepsPerEpoch));
    line.append(" | loss ").append(number(loss));
    line.append(" | validation ")
        .append(Double.isNaN(validationLoss) ? "-" : number(validationLoss));
    norm.ifPresent(n -> line.append(" | norm ").append(String.format(Locale.ROOT, "%.3g", n)));
    line.append(
        String.format(Locale.ROOT, " | lr %.1e | %,d windows/s", rateAt(step), (long) rate()));
    return line.toString();
  }

  private OperationFailedException diverged(double loss, long before, OptionalDouble norm) {
    String kept =
        checkpoint == null
            ? "No checkpoint was written yet."
            : "The last checkpoint is %s.".formatted(checkpoint);
    return new OperationFailedException(
        String.format(
            Locale.ROOT,
            "Loss became %s at step %d (last finite %s at %d%s, lr %.1e). %s Lower train.learning-rate or set train.max-gradient-norm.",
            Double.isNaN(loss) ? "NaN" : "infinite",
            step,
            Double.isNaN(lastFinite) ? "none" : number(lastFinite),
            before,
            norm.isPresent()
                ? String.format(Locale.ROOT, ", gradient norm %.1e", norm.getAsDouble())
                : "",
            rateAt(step),
            kept));
  }

  /** From 1; the epoch that the last step belongs to. */
  private int epoch() {
    return (int) Math.max(1, (step + stepsPerEpoch - 1) / stepsPerEpoch);
  }

  /** Learning rate of step number {@code step}, from 1. */
  private double rateAt(long step) {
    return learningRate.valueAt((int) Math.max(0, step - 1), 0);
  }

  private double rate() {
    return epochNanos == 0 ? 0 : epochWindows * 1e9 / epochNanos;
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.4g", value);
  }
}
