package io.sluice.training.sharing;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import io.sluice.recurrent.optim.LossScale;
import io.sluice.training.checkpoint.Checkpoint.Position;
import io.sluice.training.loop.StepTime;
import io.sluice.training.loop.Stepper;
import org.apache.spark.SparkEnv;
import org.apache.spark.metrics.source.Source;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.schedule.ISchedule;

/**
 * A rank's steps, measured where Spark shows it: in the accumulators of the stage, and as the
 * metrics source {@code sluice.rank-N} of the executor, which goes wherever {@code
 * spark.metrics.conf} sends executors' metrics.
 */
final class MeteredStepper implements Stepper {
  private final Stepper stepper;
  private final RankCounters counters;
  private final boolean first;
  private final Source source;
  private volatile Taken last;
  private volatile StepTime total = StepTime.NONE;
  private volatile long steps;

  MeteredStepper(Stepper stepper, RankCounters counters, int rank) {
    this.stepper = stepper;
    this.counters = counters;
    this.first = rank == 0;
    this.source = source("sluice.rank-" + rank);
    SparkEnv.get().metricsSystem().registerSource(source);
  }

  private Source source(String name) {
    var registry = new MetricRegistry();
    registry.register("steps", (Gauge<Long>) () -> steps);
    registry.register("loss", (Gauge<Double>) () -> last == null ? Double.NaN : last.loss());
    registry.register(
        "gradientNorm",
        (Gauge<Double>) () -> last == null ? Double.NaN : last.gradientNorm().orElse(Double.NaN));
    registry.register("computeSeconds", (Gauge<Double>) () -> total.computeNanos() / 1e9);
    registry.register("allReduceSeconds", (Gauge<Double>) () -> total.exchangeNanos() / 1e9);
    registry.register("readSeconds", (Gauge<Double>) () -> total.readNanos() / 1e9);
    registry.register("bytesSent", (Gauge<Long>) () -> total.bytesSent());
    return new Source() {
      @Override
      public String sourceName() {
        return name;
      }

      @Override
      public MetricRegistry metricRegistry() {
        return registry;
      }
    };
  }

  @Override
  public MultiLayerNetwork network() {
    return stepper.network();
  }

  @Override
  public Steps steps(Position from, ISchedule learningRate) {
    Steps unmetered = stepper.steps(from, learningRate);
    return new Steps() {
      @Override
      public boolean hasNext() {
        return unmetered.hasNext();
      }

      @Override
      public Taken next() {
        Taken taken = unmetered.next();
        last = taken;
        total = total.plus(taken.time());
        steps += taken.count();
        counters.add(taken, first);
        return taken;
      }

      @Override
      public void close() {
        unmetered.close();
      }
    };
  }

  @Override
  public float[] carriedStates() {
    return stepper.carriedStates();
  }

  @Override
  public void carry(float[] states) {
    stepper.carry(states);
  }

  @Override
  public LossScale lossScale() {
    return stepper.lossScale();
  }

  @Override
  public void askForCheckpoint() {
    stepper.askForCheckpoint();
  }

  @Override
  public double validationLoss() {
    return stepper.validationLoss();
  }

  @Override
  public void requireAgreement(long step) {
    stepper.requireAgreement(step);
  }

  /** Takes the metrics away; the stepper behind is its owner's to close. */
  @Override
  public void close() {
    SparkEnv.get().metricsSystem().removeSource(source);
  }
}
