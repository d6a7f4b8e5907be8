package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.ModelSpec;

/**
 * Memory of a GPU that the recurrent layers of a stage take there; all else is the host's.
 *
 * <p>Of each layer and direction, with I inputs, H units, G gates, W weights, r = b·t rows of a
 * micro-batch's time chunk and n chunks under way, in elements of the precision:
 *
 * <pre>
 * weights      2·W, and their sums in float32 where elements have 16 bits
 * chunks       n · (r·(I + H) + r·(G + 2)·H + 2·b·H)    x, y, cuDNN's reserve, states
 * gradients    r·(I + H) + 6·b·H                        dx, dy and states
 * work space   80 MiB (of GRUs and plain RNNs 340) + 1.15·r·G·H float32
 * </pre>
 *
 * <p><b>Accuracy.</b> The sum is 0.4 to 13 % above what 24 stacks of two LSTMs or GRUs held on an
 * H200 with cuDNN 9.19 in four precisions ({@code deviceMebibytes} of {@code gpu-kernel.json}).
 * Plain RNNs were not measured.
 */
final class DeviceMemory {
  private static final long LSTM_WORK_SPACE = 80L << 20;
  private static final long OTHER_WORK_SPACE = 340L << 20;
  private static final double WORK_SPACE_OF_GATES = 1.15;

  private DeviceMemory() {}

  /**
   * Bytes of one layer, both directions.
   *
   * @param rows b·t
   * @param windows b
   * @param tapes n
   */
  static long ofLayer(ModelSpec spec, int block, long rows, int windows, double tapes) {
    int directions = spec.bidirectional() ? 2 : 1;
    return directions
        * ofKernel(
            spec.cell(),
            spec.precision(),
            BlockSeconds.inputs(spec, block),
            spec.hiddenSizes().get(block),
            1,
            rows,
            windows,
            tapes);
  }

  /**
   * Bytes of one stack.
   *
   * @param layers L, of H units each
   */
  static long ofKernel(
      Cell cell,
      Precision precision,
      int I,
      int H,
      int layers,
      long rows,
      int windows,
      double tapes) {
    boolean isHalf = precision == Precision.BF16 || precision == Precision.F16;
    int elementBytes = isHalf ? Short.BYTES : Float.BYTES;
    int G = cell.gates();
    long W = 0;
    for (int layer = 0; layer < layers; layer++) {
      W += (long) G * H * ((layer == 0 ? I : H) + H + 2);
    }
    long states = (long) layers * windows * H;
    long sides = rows * (I + H);
    double perTape = sides + 2.0 * states + (double) rows * layers * (G + 2) * H;
    long conversions =
        isHalf ? Float.BYTES * (W + Math.max(Math.max(W, states), rows * Math.max(I, H))) : 0;
    long workSpace = cell.hasCellState() ? LSTM_WORK_SPACE : OTHER_WORK_SPACE;
    return (long)
        (elementBytes * (2.0 * W + sides + 6.0 * states + tapes * perTape)
            + conversions
            + workSpace
            + WORK_SPACE_OF_GATES * Float.BYTES * rows * G * H);
  }
}
