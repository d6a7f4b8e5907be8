package io.sluice.recurrent.dropout;

import io.sluice.recurrent.pass.TrainingPass;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Draws masks of inverted dropout: 1/p with probability p, else 0.
 *
 * <p>In a {@link TrainingPass} a number is a function of the example's key, the step, the layer's
 * name, the time step and the place in the row. Outside, where nobody says whose rows they are, it
 * is random and follows from the state of ND4J's generator, as DL4J's own dropout does.
 */
public final class DropoutMask {
  private final long layer;
  private final double kept;
  private final int threshold;
  private final int value;
  private int[] block = new int[0];
  private float[] numbers = new float[0];

  /**
   * @param layer name; layers of one name draw the same
   * @param kept p
   */
  public DropoutMask(String layer, double kept) {
    if (!(kept > 0 && kept < 1)) {
      throw new IllegalArgumentException("kept is %s, must be in (0, 1)".formatted(kept));
    }
    this.layer = KeepBits.of(layer);
    this.kept = kept;
    this.threshold = KeepBits.threshold(kept);
    this.value = Float.floatToRawIntBits((float) (1 / kept));
  }

  /**
   * @param mask (T·B, N), dense and row-major: row t·B + b is time step t of example b; all is
   *     overwritten
   * @param examples B
   */
  public void draw(INDArray mask, int examples) {
    if (mask.dataType() == DataType.FLOAT) {
      fill(mask, rowKeys(layer, examples));
      return;
    }
    try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      INDArray floats = Nd4j.createUninitialized(DataType.FLOAT, mask.shape(), 'c');
      fill(floats, rowKeys(layer, examples));
      // 1/p of the mask's own precision
      mask.assign(floats.gt(0).castTo(mask.dataType())).divi(kept);
    }
  }

  /**
   * Multiplies rows by their masks in place, without making an array of masks.
   *
   * @param rows float32 (T·B, N), dense and row-major: row t·B + b is time step {@code firstStep} +
   *     t of example b
   * @param firstStep time steps of the series that come before
   * @param oncePerSeries whether all time steps have the mask of step 0
   */
  public void multiply(Pointer rows, int T, int B, int N, int firstStep, boolean oncePerSeries) {
    long[] keys = rowKeys(layer, B);
    int atOnce = Math.max(1, KeepBits.MOST / N);
    int room = Math.min(N, KeepBits.MOST) * atOnce;
    if (block.length < room) {
      block = new int[room];
    }
    if (numbers.length < room) {
      numbers = new float[room];
    }
    FloatPointer memory = new FloatPointer(rows);
    for (int row = 0; row < T * B; row += atOnce) {
      int n = Math.min(atOnce, T * B - row);
      for (int from = 0; from < N; from += KeepBits.MOST) {
        int length = Math.min(KeepBits.MOST, N - from);
        for (int r = 0; r < n; r++) {
          int step = oncePerSeries ? 0 : firstStep + (row + r) / B;
          KeepBits.fill(
              keys[(row + r) % B], step * N + from, threshold, value, block, r * length, length);
        }
        memory.position((long) row * N + from).get(numbers, 0, n * length);
        for (int j = 0; j < n * length; j++) {
          numbers[j] *= Float.intBitsToFloat(block[j]);
        }
        memory.put(numbers, 0, n * length);
      }
    }
  }

  /** Examples of the pass, or as many as there are rows outside of one. */
  static int examples(long rows) {
    TrainingPass pass = TrainingPass.current();
    return Math.toIntExact(pass == null ? rows : pass.examples());
  }

  static long[] rowKeys(long layer, int examples) {
    TrainingPass pass = TrainingPass.current();
    if (pass != null && pass.examples() != examples) {
      throw new IllegalStateException(
          "Dropout has rows of %d examples in a pass of %d".formatted(examples, pass.examples()));
    }
    long[] keys = new long[examples];
    long drawn = pass == null ? Nd4j.getRandom().nextLong() : KeepBits.key(layer, pass.step());
    for (int b = 0; b < examples; b++) {
      keys[b] = KeepBits.key(pass == null ? b : pass.key(b), drawn);
    }
    return keys;
  }

  private void fill(INDArray mask, long[] keys) {
    long rows = mask.size(0);
    int B = keys.length;
    int N = Math.toIntExact(mask.size(1));
    if (rows % B != 0 || N > 1 && mask.stride(1) != 1 || rows > 1 && mask.stride(0) != N) {
      throw new IllegalArgumentException(
          "mask has shape %s and stride %s, expected dense rows of %d examples"
              .formatted(Arrays.toString(mask.shape()), Arrays.toString(mask.stride()), B));
    }
    int atOnce = Math.max(1, KeepBits.MOST / N);
    if (block.length < Math.min(N, KeepBits.MOST) * atOnce) {
      block = new int[Math.min(N, KeepBits.MOST) * atOnce];
    }
    var memory = new IntPointer(mask.data().addressPointer());
    long start = memory.position();
    for (long row = 0; row < rows; row += atOnce) {
      int n = (int) Math.min(atOnce, rows - row);
      for (int from = 0; from < N; from += KeepBits.MOST) {
        int length = Math.min(KeepBits.MOST, N - from);
        for (int r = 0; r < n; r++) {
          int b = (int) ((row + r) % B);
          int t = (int) ((row + r) / B);
          KeepBits.fill(keys[b], t * N + from, threshold, value, block, r * length, length);
        }
        memory.position(start + row * N + from).put(block, 0, n * length);
      }
    }
  }
}
