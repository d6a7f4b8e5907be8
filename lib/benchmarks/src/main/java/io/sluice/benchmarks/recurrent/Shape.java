package io.sluice.benchmarks.recurrent;

import java.util.List;

/**
 * Sizes of a network and its batch.
 *
 * @param batch B, sequences
 * @param timeSteps T
 * @param inputSize I
 * @param hiddenSize H, units of each layer (and direction)
 * @param layers L
 */
record Shape(int batch, int timeSteps, int inputSize, int hiddenSize, int layers) {
  /** Small, medium and large; an option names them by number from 1. */
  static final List<Shape> ALL =
      List.of(
          new Shape(32, 50, 16, 64, 2),
          new Shape(64, 100, 100, 128, 2),
          new Shape(128, 100, 64, 512, 2));

  /** The shape that an option calls {@code number}. */
  static Shape numbered(int number) {
    if (number < 1 || number > ALL.size()) {
      throw new IllegalArgumentException(
          "Shape %d does not exist; there are 1 to %d: %s".formatted(number, ALL.size(), ALL));
    }
    return ALL.get(number - 1);
  }

  static Shape parse(String text) {
    String[] sizes = text.split("x");
    return new Shape(
        Integer.parseInt(sizes[0]),
        Integer.parseInt(sizes[1]),
        Integer.parseInt(sizes[2]),
        Integer.parseInt(sizes[3]),
        Integer.parseInt(sizes[4]));
  }

  /** The same network, reading one sequence. */
  Shape ofOneSequence() {
    return new Shape(1, timeSteps, inputSize, hiddenSize, layers);
  }

  /** What a layer of a cell reads. */
  int inputOf(int layer, Cell cell) {
    return layer == 0 ? inputSize : hiddenSize * cell.directions().size();
  }

  /** B, T, I, H and layers. */
  @Override
  public String toString() {
    return "%dx%dx%dx%dx%d".formatted(batch, timeSteps, inputSize, hiddenSize, layers);
  }
}
