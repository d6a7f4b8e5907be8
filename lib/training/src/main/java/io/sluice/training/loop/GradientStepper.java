package io.sluice.training.loop;

import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.LossScale;
import io.sluice.recurrent.optim.Replicas;
import io.sluice.recurrent.optim.TrainingStep;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.training.allreduce.AllReduce;
import io.sluice.training.checkpoint.Checkpoint.Position;
import java.time.Duration;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.schedule.ISchedule;

/**
 * Each step is one update by the gradient of the whole batch, of which this process computes its
 * rank's part: the same update whatever the number of ranks, threads and micro-batches, up to the
 * order of float32 sums.
 */
public final class GradientStepper implements Stepper {
  private final RunPlan plan;
  private final MultiLayerNetwork network;
  private final Optional<AllReduce> others;
  private final int rank;
  private final int ranks;
  private final long memoryBytes;
  private final BooleanSupplier stopAsked;
  private final ExampleSet examples;
  private final Replicas replicas;
  private final SharedGradient shared;
  private final TrainingStep step;

  /** Of streams; null where examples carry nothing. */
  private final StreamStates states;

  private float[] restored = {};
  private ExampleSet.Shards shards;
  private boolean wholeAsked;

  /** All of each batch in this process. */
  public GradientStepper(RunPlan plan, BooleanSupplier stopAsked) {
    this(
        plan,
        null,
        Optional.empty(),
        Duration.ZERO,
        SequenceDataset.defaultMemoryBytes(),
        stopAsked);
  }

  /**
   * A rank's part of each batch.
   *
   * @param others the rank and the others
   * @param threshold how gradients are encoded; empty where they are summed
   * @param deadline for the slowest rank's part of a step
   * @param memoryBytes that the rank may keep examples in
   * @param stopAsked whether this rank is asked to stop
   */
  public GradientStepper(
      RunPlan plan,
      AllReduce others,
      Optional<ThresholdSettings> threshold,
      Duration deadline,
      long memoryBytes,
      BooleanSupplier stopAsked) {
    this.plan = plan;
    this.others = Optional.ofNullable(others);
    this.rank = others == null ? 0 : others.rank();
    this.ranks = others == null ? 1 : others.ranks();
    this.memoryBytes = memoryBytes;
    this.stopAsked = stopAsked;
    this.network = plan.network();
    this.examples = plan.examples();
    this.shared = others == null ? null : SharedGradient.of(others, threshold, deadline, stopAsked);
    this.replicas = new Replicas(network, plan.threads());
    this.step = new TrainingStep(replicas, plan.cut(), shared);
    this.states =
        examples.carriesStates()
            ? new StreamStates(network, this.others, plan.steps().batchSize(), deadline)
            : null;
  }

  @Override
  public MultiLayerNetwork network() {
    return network;
  }

  @Override
  public Steps steps(Position from, ISchedule learningRate) {
    var rate = new StepRate(learningRate);
    GlobalNormClipping.setLearningRate(network, rate);
    if (from.lossScale() != null) {
      step.update().setLossScale(from.lossScale());
    }
    if (shards == null) {
      // found at the first epoch: a run that has nothing left to train reads no train split
      shards = examples.shards(plan.dealing(), rank, ranks, memoryBytes);
    }
    if (states != null) {
      beginStreams(from);
    }
    ExampleSet.Batches batches = shards.epoch(from.epoch(), from.stepOfEpoch());
    return new Steps() {
      private int next = from.stepOfEpoch();

      @Override
      public boolean hasNext() {
        return batches.hasNext();
      }

      @Override
      public Taken next() {
        if (!batches.hasNext()) {
          throw new NoSuchElementException("no more steps in this epoch");
        }
        next++;
        return take(batches, rate, from.epoch(), next >= plan.steps().stepsPerEpoch());
      }

      @Override
      public void close() {
        batches.close();
      }
    };
  }

  @Override
  public LossScale lossScale() {
    return step.update().lossScale().orElse(null);
  }

  @Override
  public void askForCheckpoint() {
    wholeAsked = true;
  }

  private void beginStreams(Position from) {
    states.clear();
    if (restored.length > 0) {
      states.restore(restored);
      restored = new float[0];
    }
  }

  @Override
  public void carry(float[] all) {
    restored = all;
  }

  @Override
  public float[] carriedStates() {
    return states == null ? new float[0] : states.all();
  }

  private Taken take(ExampleSet.Batches batches, StepRate rate, int epoch, boolean isLastOfEpoch) {
    long sent = bytesSent();
    long start = System.nanoTime();
    ExampleBatch part = batches.next();
    Batch batch = part.keyed(plan.seed(), epoch);
    if (states != null && batch.size() > 0) {
      batch = batch.from(states.own());
    }
    rate.setFactor(part.rateFactor());
    long read = System.nanoTime();
    if (shared != null) {
      shared.begin(step.losses(part.globalSize()), wholeAsked || isLastOfEpoch);
      wholeAsked = false;
    }
    double loss = step.run(batch, part.globalSize());
    long end = System.nanoTime();
    long waited = shared == null ? 0 : shared.takeWaitedNanos();
    Following checkpoint = checkpoint(isLastOfEpoch);
    return new Taken(
        1,
        part.globalTargets(),
        loss,
        step.update().wasLeftOut() ? OptionalDouble.empty() : GlobalNormClipping.lastNorm(network),
        new StepTime(end - read - waited, waited, read - start, bytesSent() - sent, denseBytes()),
        shared == null ? stopAsked.getAsBoolean() : shared.anyAskedToStop(),
        checkpoint);
  }

  /**
   * What may follow the step just taken. States of several ranks come together only where a
   * checkpoint was asked for before it; after an epoch's last step there are none.
   */
  private Following checkpoint(boolean isLastOfEpoch) {
    boolean asked = shared != null && shared.wasAskedToBeWhole();
    if (states != null) {
      states.stepDone(isLastOfEpoch, asked);
      if (shared != null && !isLastOfEpoch) {
        return asked ? Following.AGREED : Following.NOT;
      }
    }
    return shared == null || shared.isWhole() ? Following.AS_DUE : Following.NOT;
  }

  private long denseBytes() {
    return 2L * (ranks - 1) * network.numParams() * Float.BYTES / ranks;
  }

  private long bytesSent() {
    return others.map(AllReduce::bytesSent).orElse(0L);
  }

  @Override
  public double validationLoss() {
    var loss = new ValidationLoss(examples, plan);
    int parts = ranks * replicas.count();
    ValidationLoss.Sum own =
        replicas.each((replica, r) -> loss.of(replica, rank * replicas.count() + r, parts)).stream()
            .reduce(new ValidationLoss.Sum(0, 0), ValidationLoss.Sum::plus);
    double[] sums = sums(own.loss(), own.targets());
    return sums[0] / sums[1];
  }

  @Override
  public void requireAgreement(long step) {
    others.ifPresent(ranks -> Agreement.require(ranks, network, step));
  }

  private double[] sums(double... numbers) {
    return others.map(ranks -> Agreement.sums(ranks, numbers)).orElse(numbers);
  }

  @Override
  public void close() {
    if (shards != null) {
      shards.close();
    }
    replicas.close();
  }
}
