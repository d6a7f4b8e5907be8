package io.sluice.training.loop;

import io.sluice.recurrent.pipeline.PipelinePlan;
import io.sluice.recurrent.pipeline.Placement;
import io.sluice.training.allreduce.WireFormat;
import java.io.Serializable;

/**
 * How each replica of a run's network is spread over ranks: rank r is stage r mod P of replica r /
 * P.
 *
 * @param plan where layers are and how a replica's batches are cut
 * @param wire how activations and their gradients travel between stages
 */
public record PipelineLayout(PipelinePlan plan, WireFormat wire) implements Serializable {

  /** Of the network's layers on P stages. */
  public Placement placement() {
    return plan.placement();
  }

  /** P. */
  public int stages() {
    return placement().count();
  }

  /** The stage of a rank. */
  public int stageOf(int rank) {
    return rank % stages();
  }

  /** The replica of a rank. */
  public int replicaOf(int rank) {
    return rank / stages();
  }
}
