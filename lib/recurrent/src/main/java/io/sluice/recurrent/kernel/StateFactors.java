package io.sluice.recurrent.kernel;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The factors (B, H) of a {@link FusedKernel}'s hidden state on its way into RW, and the state
 * behind them: of one step on the way there, of a chunk of steps on the way back.
 */
final class StateFactors implements AutoCloseable {
  private final int H;
  private final int rowsAtOnce;
  private final FloatMemory factors = new FloatMemory();
  private final FloatMemory step = new FloatMemory();
  private final FloatMemory steps = new FloatMemory();
  private final float[] states;
  private final float[] block;
  private long n;

  /**
   * @param rowsAtOnce rows of a block
   */
  StateFactors(int H, int rowsAtOnce) {
    this.H = H;
    this.rowsAtOnce = rowsAtOnce;
    this.states = new float[rowsAtOnce * H];
    this.block = new float[rowsAtOnce * H];
  }

  /** What they take once {@code rows} rows at most have gone back at once, in numbers. */
  static long trainingNumbers(long rows, int B, int H) {
    return (rows + B) * H;
  }

  /** Takes the factors of the pass that begins, forward or backward. */
  void of(Pointer memory, int B) {
    n = (long) B * H;
    factors.at(memory, n);
  }

  /** values *= the factors of the rows from {@code row} on. */
  void multiply(int row, float[] values, int length) {
    factors.get((long) row * H, block, length);
    FusedCell.multiply(values, block, length);
  }

  /** Keeps the states of the rows from {@code row} on, behind the factors, for the next step. */
  void keep(int row, float[] h, int length) {
    System.arraycopy(h, 0, states, 0, length);
    multiply(row, states, length);
    step.room(n).put((long) row * H, states, length);
  }

  /** What {@link #keep} kept. */
  FloatPointer kept() {
    return step.from(0);
  }

  /**
   * @param memory of hidden states
   * @param start of the first
   * @return {@code count} steps of them behind the factors; valid until the next call
   */
  FloatPointer dropped(FloatMemory memory, long start, int count) {
    steps.room(count * n);
    for (int t = 0; t < count; t++) {
      for (long row = 0; row * H < n; row += rowsAtOnce) {
        int length = (int) Math.min(states.length, n - row * H);
        memory.get(start + t * n + row * H, states, length);
        multiply((int) row, states, length);
        steps.put(t * n + row * H, states, length);
      }
    }
    return steps.from(0);
  }

  long bytes() {
    return step.bytes() + steps.bytes();
  }

  @Override
  public void close() {
    factors.close();
    step.close();
    steps.close();
  }
}
