package io.sluice.training.sharing;

import io.sluice.failure.UserFailure;
import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.pipeline.PipelinePlan;
import io.sluice.scoring.device.TaskDevice;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.training.allreduce.PeerLostException;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointWriter;
import io.sluice.training.loop.RunObserver;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.Stepper;
import io.sluice.training.loop.TrainingLoop;
import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.TransportSettings;
import java.io.IOException;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.BarrierTaskInfo;
import org.apache.spark.SparkEnv;
import org.apache.spark.broadcast.Broadcast;
import scala.collection.Iterator;
import scala.collection.JavaConverters;
import scala.runtime.AbstractFunction1;

/**
 * One barrier task is one rank. It finds the driver and the other ranks, runs the loop on its part
 * of each batch, and says how it ended before it does.
 */
final class RankTask extends AbstractFunction1<Iterator<Integer>, Iterator<Integer>>
    implements Serializable {
  private static final long serialVersionUID = 1L;

  private final Broadcast<RunPlan> plan;
  private final List<Broadcast<Checkpoint>> starts;
  private final GroupKey key;
  private final String driver;
  private final int ranks;
  private final GradientSharingSettings settings;
  private final RankCounters counters;

  /**
   * @param starts where the run goes on, or begins: of each pipeline stage its part, or one
   * @param key of the attempt
   * @param driver where it listens
   */
  RankTask(
      Broadcast<RunPlan> plan,
      List<Broadcast<Checkpoint>> starts,
      GroupKey key,
      String driver,
      int ranks,
      GradientSharingSettings settings,
      RankCounters counters) {
    this.plan = plan;
    this.starts = List.copyOf(starts);
    this.key = key;
    this.driver = driver;
    this.ranks = ranks;
    this.settings = settings;
    this.counters = counters;
  }

  @Override
  public Iterator<Integer> apply(Iterator<Integer> numbers) {
    BarrierTaskContext task = BarrierTaskContext.get();
    if (task.stageAttemptNumber() > 0) {
      throw new IllegalStateException(
          "This attempt of the run is over; the driver begins the next one by itself");
    }
    try {
      run(task);
    } catch (IOException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
    return JavaConverters.asScalaIterator(Collections.<Integer>emptyIterator());
  }

  private void run(BarrierTaskContext task) throws IOException {
    int rank = task.partitionId();
    // OpenMP's number is the calling thread's
    NativeThreads.set(1);
    TransportSettings transport =
        TransportSettings.ofSpark(SparkEnv.get())
            .withHeartbeat(settings.heartbeat(), settings.silenceTimeout());
    var ports = new Ports(transport, key, settings);
    try (RankGroups groups = groups(rank, ports);
        var member =
            new RankMember(rank, transport, key, driver, settings.joinTimeout(), groups::abort)) {
      try {
        Device device = TaskDevice.ofRank(plan.value().device(), task, rank, ranks);
        List<List<String>> addresses =
            member.join(groups.addresses(), SparkEnv.get().executorId(), transport.host(), device);
        groups.join(addresses, settings.joinTimeout());
        requireMemory(device, rank);
        try (Device.Bound bound = device.bind()) {
          train(rank, groups, member, SequenceDataset.defaultMemoryBytes() / ranksHere(task));
        }
        member.done();
      } catch (Throwable failure) {
        member.failed(failure, task.isInterrupted());
        throw failure;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting for the other ranks", e);
    }
  }

  /** Whether a pipeline's stage fits its GPU. */
  private void requireMemory(Device device, int rank) {
    plan.value()
        .pipeline()
        .ifPresent(
            layout -> {
              int number = layout.stageOf(rank);
              PipelinePlan.Stage stage = layout.plan().stages().get(number);
              device.requireMemory(
                  stage.deviceBytes(),
                  "stage %d (%s)".formatted(number, stage.layers()),
                  "Set train.pipeline.device-memory to what the GPUs have: stages are placed within it, or the run says what would fit.");
            });
  }

  private RankGroups groups(int rank, Ports ports) throws IOException {
    RunPlan run = plan.value();
    return run.pipeline().isPresent()
        ? new StageRanks(run, rank, ranks, ports, settings)
        : new ReplicaRanks(run, rank, ranks, ports, settings);
  }

  /**
   * @param memoryBytes that this rank may keep windows in
   */
  private void train(int rank, RankGroups groups, RankMember member, long memoryBytes) {
    Optional<CheckpointWriter> writes = groups.writer(member);
    try (CheckpointWriter writer = writes.orElse(null);
        Stepper stepper = groups.stepper(memoryBytes, member::stopAsked);
        var metered = new MeteredStepper(stepper, counters, rank)) {
      new TrainingLoop(
              plan.value(),
              metered,
              start(rank).value(),
              writes,
              rank == 0 ? member.observer() : RunObserver.NOBODY)
          .run();
    } catch (RuntimeException | Error failure) {
      // before this rank leaves: its peers' exceptions then tell the cause
      groups.abort(reason(failure));
      throw failure;
    }
  }

  /** Fetched from the driver where it is used, and nowhere else. */
  private Broadcast<Checkpoint> start(int rank) {
    return starts.get(plan.value().pipeline().map(layout -> layout.stageOf(rank)).orElse(0));
  }

  /** Ranks that run in this process. */
  private static long ranksHere(BarrierTaskContext task) {
    BarrierTaskInfo[] infos = task.getTaskInfos();
    String here = infos[task.partitionId()].address();
    return Arrays.stream(infos).filter(info -> info.address().equals(here)).count();
  }

  private static String reason(Throwable failure) {
    return failure instanceof UserFailure || failure instanceof PeerLostException
        ? failure.getMessage()
        : failure.toString();
  }
}
