package io.sluice.training.sharing;

import io.sluice.recurrent.model.ModelSpec;
import io.sluice.training.allreduce.AllReduce;
import io.sluice.training.allreduce.Rendezvous;
import io.sluice.training.checkpoint.CheckpointStore;
import io.sluice.training.checkpoint.CheckpointWriter;
import io.sluice.training.checkpoint.StageParts;
import io.sluice.training.loop.PipelineLayout;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.Stepper;
import io.sluice.training.pipeline.LinkedStages;
import io.sluice.training.pipeline.PipelineStepper;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/**
 * Ranks with one pipeline stage each, in three groups: its peers, the same stage of all replicas,
 * which sum gradients; the stages of its replica, which sum loss and gradient norm; and its
 * neighbours among these, for activations and their gradients.
 */
final class StageRanks implements RankGroups {
  private final RunPlan plan;
  private final int rank;
  private final int ranks;
  private final GradientSharingSettings settings;
  private final PipelineLayout layout;
  private final StageParts parts;
  private final List<AutoCloseable> opened = new ArrayList<>();
  private final Rendezvous peerRendezvous;
  private final Rendezvous stageRendezvous;
  private final LinkedStages links;

  /** Null in a run of one replica. */
  private volatile AllReduce peers;

  /** Null where there is one stage. */
  private volatile AllReduce stages;

  /**
   * @throws IOException if no port can be had
   */
  StageRanks(RunPlan plan, int rank, int ranks, Ports ports, GradientSharingSettings settings)
      throws IOException {
    this.plan = plan;
    this.rank = rank;
    this.ranks = ranks;
    this.settings = settings;
    this.layout = plan.pipeline().orElseThrow();
    this.parts = new StageParts(layout.stages());
    try {
      this.peerRendezvous = keep(ports.rendezvous(replica(), peers(), ranks));
      this.stageRendezvous = keep(ports.rendezvous(stage(), ofReplica(), ranks));
      this.links =
          keep(
              ports.open(
                  transport ->
                      new LinkedStages(
                          transport.withMaxBodyBytes(longestBody()),
                          replica(),
                          stage(),
                          layout.stages(),
                          ports.key(),
                          layout.wire(),
                          settings.stepTimeout(),
                          parts)));
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  private <T extends AutoCloseable> T keep(T open) {
    opened.add(0, open);
    return open;
  }

  private int replica() {
    return layout.replicaOf(rank);
  }

  private int replicas() {
    return ranks / layout.stages();
  }

  private int stage() {
    return layout.stageOf(rank);
  }

  /** Ranks that have the same stage of all replicas, this one among them. */
  private List<Integer> peers() {
    int stages = layout.stages();
    return IntStream.range(0, replicas()).map(r -> r * stages + stage()).boxed().toList();
  }

  /** Ranks that have the stages of this one's replica. */
  private List<Integer> ofReplica() {
    int first = replica() * layout.stages();
    return IntStream.range(first, first + layout.stages()).boxed().toList();
  }

  /**
   * Activations of a chunk of the whole batch, or its labels with their mask and keys; or the rows
   * of an embedding that the head is tied to.
   */
  private int longestBody() {
    ModelSpec spec = plan.spec();
    int widest = spec.hiddenSizes().stream().mapToInt(Integer::intValue).max().orElseThrow();
    long activations = (long) layout.plan().chunkSteps() * (spec.bidirectional() ? 2 : 1) * widest;
    long steps = spec.output() == ModelSpec.Output.SEQUENCE ? spec.lookBack() : 1;
    // keys, lengths, labels and their mask
    long labels = 3 + 2 * steps * spec.outputSize();
    long ofBatch = plan.steps().batchSize() * Math.max(activations, labels);
    long tied =
        spec.embedding().tied() ? (long) spec.embedding().words() * spec.embedding().size() : 0;
    return (int) Math.min(Integer.MAX_VALUE, Float.BYTES * Math.max(ofBatch, tied));
  }

  @Override
  public List<String> addresses() {
    return List.of(peerRendezvous.address(), stageRendezvous.address(), links.address());
  }

  @Override
  public void join(List<List<String>> all, Duration patience) throws InterruptedException {
    if (replicas() > 1) {
      peers = keep(peerRendezvous.join(addresses(all, peers(), 0), patience));
    }
    if (layout.stages() > 1) {
      stages = keep(stageRendezvous.join(addresses(all, ofReplica(), 1), patience));
      links.join(addresses(all, ofReplica(), 2), patience);
    }
  }

  private static List<String> addresses(List<List<String>> all, List<Integer> of, int group) {
    return of.stream().map(rank -> all.get(rank).get(group)).toList();
  }

  @Override
  public Stepper stepper(long memoryBytes, BooleanSupplier stopAsked) {
    return new PipelineStepper(
        plan,
        rank,
        ranks,
        links,
        peers,
        stages,
        settings.encoding(),
        settings.stepTimeout(),
        memoryBytes,
        stopAsked);
  }

  @Override
  public Optional<CheckpointWriter> writer(RankMember member) {
    if (replica() > 0) {
      return Optional.empty();
    }
    CheckpointStore store =
        CheckpointStore.open(
            plan.checkpoints().uri(), plan.checkpoints().keep(), plan.configuration());
    return Optional.of(
        stage() > 0
            ? CheckpointWriter.ofStage(store, stage(), links::tell)
            : new CheckpointWriter(
                store,
                member.guard(),
                member.observer()::checkpointed,
                member::warn,
                parts,
                settings.joinTimeout()));
  }

  @Override
  public void abort(String reason) {
    for (AllReduce each : new AllReduce[] {peers, stages}) {
      if (each != null) {
        each.abort(reason);
      }
    }
    links.abort(reason);
  }

  @Override
  public void close() {
    for (AutoCloseable each : opened) {
      try {
        each.close();
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
