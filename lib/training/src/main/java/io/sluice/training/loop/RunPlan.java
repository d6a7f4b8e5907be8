package io.sluice.training.loop;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.optim.MicroBatches;
import io.sluice.sequences.dataset.Dealing;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.Checkpoint.Position;
import java.io.Serializable;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.util.SerializableConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * What every process of a run must know, the same for all of them and for all attempts.
 *
 * @param runId keeps runs in one executor apart
 * @param device where to compute
 * @param source where the examples are
 * @param hadoop how to reach them
 * @param spec of the network
 * @param optimizer of the network
 * @param plateauPatience epochs without a better validation loss before a plateau schedule lowers
 *     the rate; 0 is another schedule
 * @param stopping when to stop before the last epoch
 * @param steps which windows a step learns from
 * @param seed of initial weights, order of windows and dropout
 * @param threads that share a process's part of a batch
 * @param microBatches that each thread cuts its part into
 * @param averageDecay of the moving average of parameters; 1 is their mean, 0 keeps none
 * @param averagePatience n of the {@link io.sluice.recurrent.optim.AverageTrigger} that the average
 *     waits for; 0 begins with the first step
 * @param checkpoints where and how often
 * @param settings that a checkpoint must have been saved with, by name
 * @param layout of each replica over ranks; null where a rank has all of the network
 */
public record RunPlan(
    String runId,
    DeviceChoice device,
    ExampleSource source,
    SerializableConfiguration hadoop,
    ModelSpec spec,
    OptimizerSpec optimizer,
    int plateauPatience,
    EarlyStopping stopping,
    StepPlan steps,
    long seed,
    int threads,
    int microBatches,
    double averageDecay,
    int averagePatience,
    Checkpoints checkpoints,
    Map<String, String> settings,
    PipelineLayout layout)
    implements Serializable {

  /**
   * @param uri folder
   * @param everySteps steps between two; 0 is none between
   * @param every time between two; zero is none between
   * @param everyEpochs epochs between two
   * @param keep newest ones kept
   */
  public record Checkpoints(String uri, int everySteps, Duration every, int everyEpochs, int keep)
      implements Serializable {}

  /** How each replica is spread over ranks; empty where a rank has all of the network. */
  public Optional<PipelineLayout> pipeline() {
    return Optional.ofNullable(layout);
  }

  public Configuration configuration() {
    return hadoop.value();
  }

  /** What the run learns from and is judged by. */
  public ExampleSet examples() {
    return source.examples(configuration(), spec);
  }

  /** Which examples a step learns from, and which rank has which of them. */
  public Dealing dealing() {
    return new Dealing(steps.batchSize(), steps.shards(), seed);
  }

  /** How each thread cuts its part of a batch; documents that are shorter than the longest less. */
  public MicroBatches cut() {
    return new MicroBatches(microBatches, spec.lookBack());
  }

  /** A network with the initial parameters. */
  public MultiLayerNetwork network() {
    // two OpenMP threads of one operation wait for each other by spinning
    NativeThreads.set(1);
    return Networks.create(spec, optimizer, seed);
  }

  /** What a run begins with: a network as it is. */
  public Checkpoint initial(MultiLayerNetwork network) {
    return RunState.initial(this, network);
  }

  /** Whether no step follows a position. */
  public boolean isLast(Position at) {
    return at.epoch() >= steps.epochs() || stopping.stopsAfter(at.epochsSinceBest());
  }

  /** Whether an average of the parameters is kept from the first step on. */
  boolean averagesFromTheStart() {
    return averageDecay > 0 && averagePatience == 0;
  }

  /** Whether an average of the parameters is kept that waits for its time. */
  boolean averageIsTriggered() {
    return averageDecay > 0 && averagePatience > 0;
  }

  /** Whether a plateau schedule lowers the rate after this many epochs that were no better. */
  boolean lowersRateAfter(int epochsOnPlateau) {
    return plateauPatience > 0 && epochsOnPlateau >= plateauPatience;
  }
}
