package io.sluice.training.loop;

import io.sluice.recurrent.pipeline.Placement;
import io.sluice.training.allreduce.WireFormat;
import java.io.Serializable;

/**
 * How each replica of a run's network is spread over ranks: rank r is stage r mod P of replica r /
 * P.
 *
 * @param placement of the network's layers on P stages
 * @param chunkSteps time steps of a time chunk
 * @param wire how activations and their gradients travel between stages
 */
public record PipelineLayout(Placement placement, int chunkSteps, WireFormat wire)
    implements Serializable {

  /** P. */
  public int stages() {
    return placement.count();
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
