package io.sluice.training;

import java.io.Serializable;

/**
 * Which global batches an epoch learns from.
 *
 * <p>An epoch's shuffled order has ⌈windows / batchSize⌉ global batches. With a limit on windows,
 * every so many of them is used, evenly spaced over the order, so that a quick look sees all of the
 * dataset and each epoch another part of it. With W workers the last batch is used only if each of
 * them gets a window of it.
 *
 * @param windows of the train split
 * @param batchSize of a global batch
 * @param workers W that share a batch; 1 in one process
 * @param maxWindows limit an epoch; 0 is none
 * @param epochs in all
 */
record StepPlan(long windows, int batchSize, int workers, long maxWindows, int epochs)
    implements Serializable {

  /** Global batches in an epoch's order. */
  int batches() {
    return Math.toIntExact((windows + batchSize - 1) / batchSize);
  }

  /** Steps of an epoch: the global batches it learns from. */
  int stepsPerEpoch() {
    int usable = windowsOf(batches() - 1) >= workers ? batches() : batches() - 1;
    if (maxWindows == 0 || maxWindows >= windows) {
      return usable;
    }
    return (int) Math.min(usable, Math.max(1, maxWindows / batchSize));
  }

  /** Steps of the whole run. */
  int steps() {
    return Math.multiplyExact(epochs, stepsPerEpoch());
  }

  /** Index, in the epoch's order, of the global batch of a step of the epoch (both from 0). */
  int batchOf(int step) {
    int usable = windowsOf(batches() - 1) >= workers ? batches() : batches() - 1;
    return (int) ((long) step * usable / stepsPerEpoch());
  }

  /** Windows of a global batch, by its index in the epoch's order. */
  int windowsOf(int batch) {
    return (int) Math.min(batchSize, windows - (long) batch * batchSize);
  }

  /** Train windows that no step of an epoch sees. */
  long droppedPerEpoch() {
    long seen = 0;
    for (int step = 0; step < stepsPerEpoch(); step++) {
      seen += windowsOf(batchOf(step));
    }
    return windows - seen;
  }

  /** First window of a worker's slice of a batch of {@code size}; slices differ by at most one. */
  static int sliceStart(int size, int worker, int workers) {
    return (int) ((long) size * worker / workers);
  }
}
