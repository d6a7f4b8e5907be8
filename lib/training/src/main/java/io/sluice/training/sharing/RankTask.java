package io.sluice.training.sharing;

import io.sluice.failure.UserFailure;
import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Device;
import io.sluice.scoring.device.TaskDevice;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.training.allreduce.AllReduce;
import io.sluice.training.allreduce.AllReduceSettings;
import io.sluice.training.allreduce.Rendezvous;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointStore;
import io.sluice.training.checkpoint.CheckpointWriter;
import io.sluice.training.loop.GradientStepper;
import io.sluice.training.loop.RunObserver;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.TrainingLoop;
import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.TransportSettings;
import java.io.IOException;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
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
  private final Broadcast<Checkpoint> start;
  private final GroupKey key;
  private final String driver;
  private final int ranks;
  private final GradientSharingSettings settings;
  private final RankCounters counters;

  /**
   * @param start where the run goes on, or begins
   * @param key of the attempt
   * @param driver where it listens
   */
  RankTask(
      Broadcast<RunPlan> plan,
      Broadcast<Checkpoint> start,
      GroupKey key,
      String driver,
      int ranks,
      GradientSharingSettings settings,
      RankCounters counters) {
    this.plan = plan;
    this.start = start;
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
    var others = new AtomicReference<AllReduce>();
    try (Rendezvous rendezvous = rendezvous(transport, rank);
        var member =
            new RankMember(
                rank,
                transport,
                key,
                driver,
                settings.joinTimeout(),
                reason -> abort(others.get(), reason))) {
      try {
        Device device = TaskDevice.ofRank(plan.value().device(), task, rank, ranks);
        List<String> addresses =
            member.join(
                rendezvous.address(), SparkEnv.get().executorId(), transport.host(), device);
        try (AllReduce joined = rendezvous.join(addresses, settings.joinTimeout());
            Device.Bound bound = device.bind()) {
          others.set(joined);
          train(joined, member, SequenceDataset.defaultMemoryBytes() / ranksHere(task));
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

  private static void abort(AllReduce others, String reason) {
    if (others != null) {
      others.abort(reason);
    }
  }

  /**
   * @param memoryBytes that this rank may keep windows in
   */
  private void train(AllReduce others, RankMember member, long memoryBytes) {
    boolean first = others.rank() == 0;
    RunPlan run = plan.value();
    try (var writer = first ? writer(run, member) : null;
        var stepper =
            new GradientStepper(
                run,
                others,
                settings.encoding(),
                settings.stepTimeout(),
                memoryBytes,
                member::stopAsked);
        var metered = new MeteredStepper(stepper, counters, others.rank())) {
      new TrainingLoop(
              run,
              metered,
              start.value(),
              Optional.ofNullable(writer),
              first ? member.observer() : RunObserver.NOBODY)
          .run();
    } catch (RuntimeException | Error failure) {
      // before this rank leaves: its peers' exceptions then tell the cause
      others.abort(reason(failure));
      throw failure;
    }
  }

  private static CheckpointWriter writer(RunPlan run, RankMember member) {
    var store =
        CheckpointStore.open(
            run.checkpoints().uri(), run.checkpoints().keep(), run.configuration());
    return new CheckpointWriter(
        store, member.guard(), member.observer()::checkpointed, member::warn);
  }

  private AllReduceSettings allReduce() {
    return AllReduceSettings.DEFAULT
        .withWire(settings.wire().format())
        .withDeadline(settings.stepTimeout());
  }

  /** Ranks that run in this process. */
  private static long ranksHere(BarrierTaskContext task) {
    BarrierTaskInfo[] infos = task.getTaskInfos();
    String here = infos[task.partitionId()].address();
    return Arrays.stream(infos).filter(info -> info.address().equals(here)).count();
  }

  /** On the first port of the range that no other rank on this host has. */
  private Rendezvous rendezvous(TransportSettings transport, int rank) throws IOException {
    int first = settings.port();
    for (int port = first; ; port++) {
      try {
        return Rendezvous.open(transport.withPort(port), rank, ranks, key, allReduce());
      } catch (IOException e) {
        if (first == 0 || port - first + 1 == GradientSharingSettings.PORTS) {
          throw e;
        }
      }
    }
  }

  private static String reason(Throwable failure) {
    return failure instanceof UserFailure ? failure.getMessage() : failure.toString();
  }
}
