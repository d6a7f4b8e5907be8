package io.sluice.training.sharing;

import io.sluice.training.allreduce.AllReduce;
import io.sluice.training.allreduce.Rendezvous;
import io.sluice.training.checkpoint.CheckpointStore;
import io.sluice.training.checkpoint.CheckpointWriter;
import io.sluice.training.loop.GradientStepper;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.Stepper;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/** Ranks with all of the network each: one group, which sums gradients. */
final class ReplicaRanks implements RankGroups {
  private final RunPlan plan;
  private final int rank;
  private final GradientSharingSettings settings;
  private final Rendezvous rendezvous;
  private volatile AllReduce others;

  /**
   * @throws IOException if no port can be had
   */
  ReplicaRanks(RunPlan plan, int rank, int ranks, Ports ports, GradientSharingSettings settings)
      throws IOException {
    this.plan = plan;
    this.rank = rank;
    this.settings = settings;
    this.rendezvous = ports.rendezvous(rank, IntStream.range(0, ranks).boxed().toList(), ranks);
  }

  @Override
  public List<String> addresses() {
    return List.of(rendezvous.address());
  }

  @Override
  public void join(List<List<String>> all, Duration patience) throws InterruptedException {
    others = rendezvous.join(all.stream().map(each -> each.get(0)).toList(), patience);
  }

  @Override
  public Stepper stepper(long memoryBytes, BooleanSupplier stopAsked) {
    return new GradientStepper(
        plan, others, settings.encoding(), settings.stepTimeout(), memoryBytes, stopAsked);
  }

  @Override
  public Optional<CheckpointWriter> writer(RankMember member) {
    if (rank > 0) {
      return Optional.empty();
    }
    return Optional.of(
        new CheckpointWriter(
            CheckpointStore.open(
                plan.checkpoints().uri(), plan.checkpoints().keep(), plan.configuration()),
            member.guard(),
            member.observer()::checkpointed,
            member::warn));
  }

  @Override
  public void abort(String reason) {
    AllReduce joined = others;
    if (joined != null) {
      joined.abort(reason);
    }
  }

  @Override
  public void close() {
    if (others != null) {
      others.close();
    }
    rendezvous.close();
  }
}
