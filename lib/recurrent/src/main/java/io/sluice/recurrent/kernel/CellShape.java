package io.sluice.recurrent.kernel;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * A cell with its sizes, and where its parameters lie in one block of memory.
 *
 * <p><b>Layout.</b> One after another, row-major, no gaps; G is {@link Cell#gates()}:
 *
 * <pre>
 * W       (G·H, I)  input weights        LSTM rows i f g o, GRU r z n, as in PyTorch
 * RW      (G·H, H)  recurrent weights    the same rows
 * b       (G·H)     bias                 PyTorch's b_ih + b_hh; GRU (4·H): r, z, n of the input side,
 *                                        n of the recurrent side
 * P       (3·H)     peepholes            peephole LSTM: i f o
 * gainX   (4·H)     gain of LN(W·x)      layer-norm LSTM
 * gainH   (4·H)     gain of LN(RW·h)     layer-norm LSTM
 * gainC   (H)       gain of LN(c)        layer-norm LSTM
 * biasC   (H)       bias of LN(c)        layer-norm LSTM
 * </pre>
 *
 * @param cell which cell
 * @param inputSize I, numbers per time step
 * @param hiddenSize H, units
 */
public record CellShape(Cell cell, int inputSize, int hiddenSize) implements Serializable {

  /**
   * One named tensor of the block.
   *
   * @param name as in the table above
   * @param rows slowest dimension
   * @param columns 1 for a vector
   * @param offset of its first element in the block, in elements
   */
  public record Parameter(String name, int rows, int columns, long offset) implements Serializable {
    /** Elements. */
    public long length() {
      return (long) rows * columns;
    }
  }

  public CellShape {
    if (inputSize < 1 || hiddenSize < 1) {
      throw new IllegalArgumentException(
          "A %s needs at least 1 input and 1 unit, but has I=%d, H=%d"
              .formatted(cell.label(), inputSize, hiddenSize));
    }
  }

  /** In the order in which they lie. */
  public List<Parameter> parameters() {
    int H = hiddenSize;
    int rows = Math.multiplyExact(cell.gates(), H);
    var blocks = new ArrayList<Parameter>();
    add(blocks, "W", rows, inputSize);
    add(blocks, "RW", rows, H);
    add(blocks, "b", cell == Cell.GRU ? Math.addExact(rows, H) : rows, 1);
    if (cell == Cell.PEEPHOLE_LSTM) {
      add(blocks, "P", 3 * H, 1);
    }
    if (cell == Cell.LAYERNORM_LSTM) {
      add(blocks, "gainX", rows, 1);
      add(blocks, "gainH", rows, 1);
      add(blocks, "gainC", H, 1);
      add(blocks, "biasC", H, 1);
    }
    return List.copyOf(blocks);
  }

  /**
   * @throws IllegalArgumentException if the cell has none of that name
   */
  public Parameter parameter(String name) {
    for (Parameter parameter : parameters()) {
      if (parameter.name().equals(name)) {
        return parameter;
      }
    }
    throw new IllegalArgumentException(
        "A %s has no parameter %s; it has %s"
            .formatted(cell.label(), name, parameters().stream().map(Parameter::name).toList()));
  }

  /** Elements of the whole block; G·(I·H + H² + H) for an LSTM or tanh RNN. */
  public long parameterCount() {
    List<Parameter> blocks = parameters();
    Parameter last = blocks.get(blocks.size() - 1);
    return last.offset() + last.length();
  }

  private static void add(List<Parameter> blocks, String name, int rows, int columns) {
    long offset = 0;
    if (!blocks.isEmpty()) {
      Parameter last = blocks.get(blocks.size() - 1);
      offset = last.offset() + last.length();
    }
    blocks.add(new Parameter(name, rows, columns, offset));
  }
}
