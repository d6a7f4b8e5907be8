package io.sluice.recurrent.cuda;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Direction;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * Alike layers on top of each other, and where their parameters lie in one block of memory: the
 * blocks of {@link CellShape}, layer after layer, in a bidirectional one forward before backward.
 *
 * @param cell of every layer
 * @param inputSize I, numbers per time step that the first layer reads
 * @param hiddenSize H, units of every layer and direction
 * @param layers L
 * @param bidirectional whether each layer reads both ways; outputs lie side by side, and the next
 *     layer reads 2·H numbers
 */
public record StackShape(
    Cell cell, int inputSize, int hiddenSize, int layers, boolean bidirectional)
    implements Serializable {

  /**
   * One direction of one layer.
   *
   * @param offset of its first parameter in the block, in elements
   */
  public record Part(int layer, Direction direction, CellShape shape, long offset)
      implements Serializable {}

  public StackShape {
    if (layers < 1 || inputSize < 1 || hiddenSize < 1) {
      throw new IllegalArgumentException(
          "A stack of %ss needs at least 1 layer, 1 input and 1 unit, but has layers=%d, I=%d, H=%d"
              .formatted(cell.label(), layers, inputSize, hiddenSize));
    }
  }

  /** D, 1 or 2. */
  public int directions() {
    return bidirectional ? 2 : 1;
  }

  /** Numbers per time step that come out. */
  public int outputSize() {
    return directions() * hiddenSize;
  }

  /** In the order in which their parameters and states lie. */
  public List<Part> parts() {
    var parts = new ArrayList<Part>();
    long offset = 0;
    for (int layer = 0; layer < layers; layer++) {
      var shape = new CellShape(cell, layer == 0 ? inputSize : outputSize(), hiddenSize);
      for (int d = 0; d < directions(); d++) {
        Direction direction = d == 0 ? Direction.FORWARD : Direction.BACKWARD;
        parts.add(new Part(layer, direction, shape, offset));
        offset += shape.parameterCount();
      }
    }
    return List.copyOf(parts);
  }

  /** Elements of the whole block. */
  public long parameterCount() {
    List<Part> parts = parts();
    Part last = parts.get(parts.size() - 1);
    return last.offset() + last.shape().parameterCount();
  }

  @Override
  public String toString() {
    return "%d %s%s%s, I=%d, H=%d"
        .formatted(
            layers,
            bidirectional ? "bidirectional " : "",
            cell.label(),
            layers == 1 ? "" : "s",
            inputSize,
            hiddenSize);
  }
}
