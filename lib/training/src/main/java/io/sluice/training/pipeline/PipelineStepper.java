package io.sluice.training.pipeline;

import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.LossScale;
import io.sluice.recurrent.pipeline.StageLinks;
import io.sluice.recurrent.pipeline.StageNetwork;
import io.sluice.recurrent.pipeline.StageStep;
import io.sluice.sequences.dataset.Split;
import io.sluice.training.allreduce.AllReduce;
import io.sluice.training.checkpoint.Checkpoint.Position;
import io.sluice.training.loop.Agreement;
import io.sluice.training.loop.ExampleBatch;
import io.sluice.training.loop.ExampleSet;
import io.sluice.training.loop.PipelineLayout;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.SharedGradient;
import io.sluice.training.loop.StepRate;
import io.sluice.training.loop.StepTime;
import io.sluice.training.loop.Stepper;
import io.sluice.training.loop.StreamStates;
import io.sluice.training.loop.ThresholdSettings;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.schedule.ISchedule;

/**
 * Each step is one update by the gradient of the whole batch, of which this rank computes its
 * replica's part on its stage's layers: what {@link io.sluice.training.loop.GradientStepper} does
 * with whole networks, to the order of float32 sums.
 *
 * <p>The first stage of a replica reads its examples; their keys and labels go up with the
 * activations. It also says what all stages of the replica must know before a step: whether to stop
 * after it, and whether a checkpoint follows.
 */
public final class PipelineStepper implements Stepper {
  private final RunPlan plan;
  private final int replica;
  private final int replicas;
  private final int stage;
  private final long memoryBytes;
  private final BooleanSupplier stopAsked;
  private final LinkedStages links;
  private final AllReduce peers;
  private final AllReduce stages;
  private final StageNetwork network;
  private final StageStep step;
  private final SharedGradient shared;

  // of the first stage
  private final ExampleSet examples;
  private ExampleSet.Shards shards;

  /** Of the replica's streams through this stage; null where examples carry nothing. */
  private final StreamStates states;

  private float[] restored = {};

  private boolean checkpointAsked;
  private StageLinks.Header header;
  private long stageSumNanos;

  /**
   * @param rank of the run's
   * @param ranks a multiple of P
   * @param links with the replica's other stages
   * @param peers the same stage of all replicas; null if there is one
   * @param stages of this replica; null if there is one
   * @param threshold how gradients are encoded between peers; empty where they are summed
   * @param deadline for the slowest rank's part of a step
   * @param memoryBytes that the rank may keep examples in
   * @param stopAsked whether this rank is asked to stop
   */
  public PipelineStepper(
      RunPlan plan,
      int rank,
      int ranks,
      LinkedStages links,
      AllReduce peers,
      AllReduce stages,
      Optional<ThresholdSettings> threshold,
      Duration deadline,
      long memoryBytes,
      BooleanSupplier stopAsked) {
    PipelineLayout layout = plan.pipeline().orElseThrow();
    this.plan = plan;
    this.stage = layout.stageOf(rank);
    this.replica = layout.replicaOf(rank);
    this.replicas = ranks / layout.stages();
    this.links = links;
    this.peers = peers;
    this.stages = stages;
    this.memoryBytes = memoryBytes;
    this.stopAsked = stopAsked;
    this.network =
        new StageNetwork(plan.spec(), plan.optimizer(), layout.placement(), stage, plan.seed());
    this.shared =
        peers == null
            ? null
            : SharedGradient.of(peers, threshold, deadline, () -> header.stopAsked());
    this.step =
        new StageStep(
            network,
            stage,
            layout.stages(),
            layout.plan().chunkSteps(),
            plan.microBatches(),
            links,
            shared,
            this::overStages);
    this.examples = stage == 0 ? plan.examples() : null;
    this.states =
        plan.source().carriesStates()
            ? new StreamStates(
                network(), Optional.ofNullable(peers), plan.steps().batchSize(), deadline)
            : null;
    if (states != null) {
      step.carry(states.own());
    }
  }

  private double[] overStages(double... numbers) {
    if (stages == null) {
      return numbers;
    }
    long start = System.nanoTime();
    double[] sums = Agreement.sums(stages, numbers);
    stageSumNanos += System.nanoTime() - start;
    return sums;
  }

  @Override
  public MultiLayerNetwork network() {
    return network.network();
  }

  @Override
  public LossScale lossScale() {
    return step.update().lossScale().orElse(null);
  }

  @Override
  public void askForCheckpoint() {
    checkpointAsked = true;
  }

  @Override
  public Steps steps(Position from, ISchedule learningRate) {
    var rate = new StepRate(learningRate);
    GlobalNormClipping.setLearningRate(network(), rate);
    if (from.lossScale() != null) {
      step.update().setLossScale(from.lossScale());
    }
    if (stage == 0 && shards == null) {
      // found at the first epoch: a run that has nothing left to train reads no train split
      shards = examples.shards(plan.dealing(), replica, replicas, memoryBytes);
    }
    if (states != null) {
      beginStreams();
    }
    ExampleSet.Batches batches = stage == 0 ? shards.epoch(from.epoch(), from.stepOfEpoch()) : null;
    int count = plan.steps().stepsPerEpoch();
    return new Steps() {
      private int next = from.stepOfEpoch();

      @Override
      public boolean hasNext() {
        return next < count;
      }

      @Override
      public Taken next() {
        if (!hasNext()) {
          throw new NoSuchElementException("no more steps in this epoch");
        }
        next++;
        return take(batches, rate, from.epoch(), next == count);
      }

      @Override
      public void close() {
        if (batches != null) {
          batches.close();
        }
      }
    };
  }

  private void beginStreams() {
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
    StageLinks.Header own = null;
    Batch batch = null;
    if (stage == 0) {
      ExampleBatch read = batches.next();
      batch = read.keyed(plan.seed(), epoch);
      own =
          StageLinks.Header.training(
              read.globalSize(),
              batch,
              read.targets(),
              read.rateFactor(),
              stopAsked.getAsBoolean(),
              checkpointAsked);
    }
    checkpointAsked = false;
    long read = System.nanoTime();
    header = step.begin(own);
    rate.setFactor(header.rateFactor());
    if (shared != null) {
      shared.begin(header.examples(), header.wholeAsked() || isLastOfEpoch);
    }
    double loss = step.train(header, batch);
    long end = System.nanoTime();
    long waited = step.takeWaitedNanos() + stageSumNanos;
    waited += shared == null ? 0 : shared.takeWaitedNanos();
    stageSumNanos = 0;
    if (states != null) {
      boolean isSaved = shared != null && shared.wasAskedToBeWhole();
      states.stepDone(isLastOfEpoch, isSaved);
    }
    return new Taken(
        1,
        header.examples() * header.targets(),
        loss,
        step.update().wasLeftOut()
            ? OptionalDouble.empty()
            : GlobalNormClipping.lastNorm(network()),
        new StepTime(end - read - waited, waited, read - start, bytesSent() - sent, denseBytes()),
        shared == null ? header.stopAsked() : shared.anyAskedToStop(),
        header.wholeAsked() ? Following.AGREED : Following.NOT);
  }

  private long denseBytes() {
    return 2L * (replicas - 1) * network().numParams() * Float.BYTES / replicas;
  }

  private long bytesSent() {
    return links.bytesSent() + (peers == null ? 0 : peers.bytesSent());
  }

  @Override
  public double validationLoss() {
    double[] sums;
    try (ExampleSet.Batches batches =
        stage == 0
            ? examples.inOrder(Split.VALIDATION, plan.steps().batchSize(), replica, replicas)
            : null) {
      sums = step.validate(batches == null ? null : forValidation(batches), states != null);
    }
    sums = overStages(sums);
    if (peers != null) {
      sums = Agreement.sums(peers, sums);
    }
    // what was waited for here is no step's
    step.takeWaitedNanos();
    stageSumNanos = 0;
    return sums[0] / sums[1];
  }

  /** Those with examples. */
  private static Iterator<Batch> forValidation(ExampleSet.Batches batches) {
    return Stream.generate(() -> batches.hasNext() ? batches.next() : null)
        .takeWhile(Objects::nonNull)
        .filter(batch -> batch.size() > 0)
        .map(ExampleBatch::unkeyed)
        .iterator();
  }

  @Override
  public void requireAgreement(long step) {
    if (peers != null) {
      Agreement.require(peers, network(), step);
    }
  }

  @Override
  public void close() {
    if (shards != null) {
      shards.close();
    }
    step.close();
    network.close();
  }
}
