package io.sluice.training.loop;

import io.sluice.recurrent.layer.CarriedStates;
import io.sluice.training.allreduce.AllReduce;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Optional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * What streams carry from step to step of an epoch: a rank's own, b ≡ r (mod R), and those of all
 * ranks where a checkpoint is to hold them.
 *
 * <p><b>Shapes.</b> All states are (N, B) float32, row-major: numbers of the lowest layer first, as
 * parameters are, so that those of pipeline stages lie one behind the other. N is that of {@link
 * CarriedStates}.
 */
public final class StreamStates {
  private static final float[] NONE = {};

  private final CarriedStates own;
  private final Optional<AllReduce> others;
  private final Duration deadline;
  private final int streams;
  private final int rank;
  private final int ranks;
  private float[] gathered = NONE;
  private boolean withinEpoch;

  /**
   * @param network whose layers carry them: all of it, or a pipeline stage's part
   * @param others the rank and the others; empty is one rank
   * @param streams B, of all ranks
   * @param deadline for the slowest rank
   */
  public StreamStates(
      MultiLayerNetwork network, Optional<AllReduce> others, int streams, Duration deadline) {
    this.others = others;
    this.deadline = deadline;
    this.streams = streams;
    this.rank = others.map(AllReduce::rank).orElse(0);
    this.ranks = others.map(AllReduce::ranks).orElse(1);
    this.own = CarriedStates.zeros(network, (streams - rank + ranks - 1) / ranks);
  }

  /** Of this rank's streams. */
  public CarriedStates own() {
    return own;
  }

  /** At the start of an epoch. */
  public void clear() {
    own.clear();
    gathered = NONE;
    withinEpoch = false;
  }

  /**
   * A step is done.
   *
   * @param isLast of the epoch
   * @param isSaved whether a checkpoint follows within the epoch; the same on all ranks
   */
  public void stepDone(boolean isLast, boolean isSaved) {
    if (isLast) {
      clear();
      return;
    }
    withinEpoch = true;
    if (isSaved && others.isPresent()) {
      gather(others.get());
    }
  }

  /**
   * Goes on within an epoch.
   *
   * @param all (N, B)
   */
  public void restore(float[] all) {
    int N = own.numbers();
    if (all.length != streams * N) {
      throw new IllegalArgumentException(
          "states have length %d, expected N*B = %d (N=%d, B=%d)"
              .formatted(all.length, N * streams, N, streams));
    }
    var rows = new float[own.sequences() * N];
    for (int b = 0; b < own.sequences(); b++) {
      for (int n = 0; n < N; n++) {
        rows[b * N + n] = all[n * streams + rank + b * ranks];
      }
    }
    own.set(rows);
  }

  private void gather(AllReduce all) {
    float[] states = spread();
    if (states.length == 0) {
      return; // a pipeline stage without recurrent layers
    }
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(Math.multiplyExact(states.length, Float.BYTES))
            .order(ByteOrder.nativeOrder());
    bytes.asFloatBuffer().put(states);
    try {
      // each number is that of one rank, and zero on the others
      all.sum(bytes).await(deadline);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while states were gathered", e);
    }
    bytes.asFloatBuffer().get(states);
    gathered = states;
  }

  /** This rank's in their places among those of all (N, B), the others' zero. */
  private float[] spread() {
    int N = own.numbers();
    float[] rows = own.toArray();
    var states = new float[Math.multiplyExact(N, streams)];
    for (int b = 0; b < own.sequences(); b++) {
      for (int n = 0; n < N; n++) {
        states[n * streams + rank + b * ranks] = rows[b * N + n];
      }
    }
    return states;
  }

  /**
   * Those of all ranks (N, B) after the last step, which is one that a checkpoint follows; empty
   * between epochs.
   */
  public float[] all() {
    return withinEpoch && others.isEmpty() ? spread() : gathered;
  }
}
