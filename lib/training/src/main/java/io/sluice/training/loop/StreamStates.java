package io.sluice.training.loop;

import io.sluice.recurrent.layer.CarriedStates;
import io.sluice.training.allreduce.AllReduce;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.Optional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * What streams carry from step to step of an epoch: a rank's own, b ≡ r (mod R), and those of all
 * ranks where a checkpoint is to hold them.
 *
 * <p><b>Shapes.</b> All states are (B, N) float32, row-major, by stream; see {@link CarriedStates}.
 */
final class StreamStates {
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
   * @param others the rank and the others; empty is one rank
   * @param streams B, of all ranks
   * @param deadline for the slowest rank
   */
  StreamStates(
      MultiLayerNetwork network, Optional<AllReduce> others, int streams, Duration deadline) {
    this.others = others;
    this.deadline = deadline;
    this.streams = streams;
    this.rank = others.map(AllReduce::rank).orElse(0);
    this.ranks = others.map(AllReduce::ranks).orElse(1);
    this.own = CarriedStates.zeros(network, (streams - rank + ranks - 1) / ranks);
  }

  /** Of this rank's streams. */
  CarriedStates own() {
    return own;
  }

  /** At the start of an epoch. */
  void clear() {
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
  void stepDone(boolean isLast, boolean isSaved) {
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
   * @param all (B, N)
   */
  void restore(float[] all) {
    int N = own.numbers();
    if (all.length != streams * N) {
      throw new IllegalArgumentException(
          "states have length %d, expected B*N = %d (B=%d, N=%d)"
              .formatted(all.length, streams * N, streams, N));
    }
    var rows = new float[own.sequences() * N];
    for (int b = 0; b < own.sequences(); b++) {
      System.arraycopy(all, (rank + b * ranks) * N, rows, b * N, N);
    }
    own.set(rows);
  }

  private void gather(AllReduce all) {
    int N = own.numbers();
    float[] rows = own.toArray();
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(Math.multiplyExact(streams * N, Float.BYTES))
            .order(ByteOrder.nativeOrder());
    FloatBuffer states = bytes.asFloatBuffer();
    for (int b = 0; b < own.sequences(); b++) {
      states.put((rank + b * ranks) * N, rows, b * N, N);
    }
    try {
      // each number is that of one rank, and zero on the others
      all.sum(bytes).await(deadline);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while states were gathered", e);
    }
    gathered = new float[streams * N];
    states.get(0, gathered);
  }

  /**
   * Those of all ranks (B, N) after the last step, which is one that a checkpoint follows; empty
   * between epochs.
   */
  float[] all() {
    return withinEpoch && others.isEmpty() ? own.toArray() : gathered;
  }
}
