package io.sluice.recurrent.layer;

import io.sluice.recurrent.kernel.FloatMemory;
import org.bytedeco.javacpp.Pointer;

/**
 * Moves each series of a batch to the end of its time steps, and back to the begin, in place: a
 * kernel that reads the last step first then reads what follows a series after all of it, where it
 * changes nothing.
 *
 * <p><b>Shapes.</b> (T, B, N) time-major float32 without gaps. Steps that no series has become
 * zeros.
 */
final class SeriesEnds {
  private final FloatMemory memory = new FloatMemory();
  private float[] row = new float[0];
  private float[] zeros = new float[0];

  /**
   * @param series in: from step 0 on; out: up to step T − 1
   */
  void toEnd(Pointer series, TimeChunk chunk, int N) {
    begin(series, chunk, N);
    int T = chunk.steps();
    for (int b = 0; b < chunk.examples(); b++) {
      int length = chunk.realSteps(b);
      int shift = T - length;
      for (int t = length - 1; t >= 0 && shift > 0; t--) {
        move(t, t + shift, b, chunk, N);
      }
      zero(0, shift, b, chunk, N);
    }
  }

  /**
   * @param series in: up to step T − 1; out: from step 0 on
   */
  void toBegin(Pointer series, TimeChunk chunk, int N) {
    begin(series, chunk, N);
    int T = chunk.steps();
    for (int b = 0; b < chunk.examples(); b++) {
      int length = chunk.realSteps(b);
      int shift = T - length;
      for (int t = 0; t < length && shift > 0; t++) {
        move(t + shift, t, b, chunk, N);
      }
      zero(length, T, b, chunk, N);
    }
  }

  private void begin(Pointer series, TimeChunk chunk, int N) {
    memory.at(series, (long) chunk.rows() * N);
    if (row.length < N) {
      row = new float[N];
      zeros = new float[N];
    }
  }

  private void move(int from, int to, int b, TimeChunk chunk, int N) {
    memory.get(at(from, b, chunk, N), row, N);
    memory.put(at(to, b, chunk, N), row, N);
  }

  private void zero(int from, int to, int b, TimeChunk chunk, int N) {
    for (int t = from; t < to; t++) {
      memory.put(at(t, b, chunk, N), zeros, N);
    }
  }

  private static long at(int t, int b, TimeChunk chunk, int N) {
    return ((long) t * chunk.examples() + b) * N;
  }
}
