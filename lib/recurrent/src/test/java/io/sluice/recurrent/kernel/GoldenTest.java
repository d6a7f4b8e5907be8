package io.sluice.recurrent.kernel;

import static io.sluice.recurrent.TensorAssert.assertClose;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.javacpp.DoublePointer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The reference kernel against PyTorch's float64 values: every case of the folder. */
class GoldenTest {
  /** Both sides are float64 and differ in the order of sums. */
  private static final double TOLERANCE = 1e-10;

  static Stream<GoldenFile> layers() {
    return GoldenFile.layers(GoldenFile.folder());
  }

  /** One direction of one layer with its place in the stack's output. */
  private record Part(CellShape shape, Direction direction, String suffix, int column) {}

  @ParameterizedTest(name = "{0}")
  @MethodSource("layers")
  void outputsStatesAndGradientsAreThoseOfPyTorch(GoldenFile golden) {
    int B = golden.size("B");
    int T = golden.size("T");
    int H = golden.size("H");
    boolean both = golden.size("bidirectional") == 1;
    int width = both ? 2 * H : H;
    double[] input = GoldenFile.swapped(golden.values("x"), B, T, golden.size("I"));
    var kernels = new ArrayList<List<ReferenceKernel>>();
    for (int l = 0; l < golden.size("layers"); l++) {
      int inputSize = l == 0 ? golden.size("I") : width;
      var layer = new ArrayList<ReferenceKernel>();
      double[] output = new double[T * B * width];
      for (Part part : parts(golden.cell(), inputSize, H, both, l)) {
        var kernel = new ReferenceKernel(part.shape(), part.direction());
        kernel.setParameters(new DoublePointer(golden.block(part.shape(), "", part.suffix())));
        var y = new DoublePointer((long) T * B * H);
        var last = new State(new DoublePointer((long) B * H), new DoublePointer((long) B * H));
        kernel.forward(0, T, B, new DoublePointer(input), null, y, last);
        require(golden, "h_n" + part.suffix(), read(last.h(), B * H));
        if (golden.cell().hasCellState()) {
          require(golden, "c_n" + part.suffix(), read(last.c(), B * H));
        }
        insert(read(y, T * B * H), output, part.column(), H, width);
        layer.add(kernel);
      }
      kernels.add(layer);
      input = output;
    }
    double[] output = GoldenFile.swapped(input, T, B, width);
    require(golden, "output", output);
    require(golden, "loss", new double[] {product(output, golden.values("loss_weights"))});

    double[] gradient = GoldenFile.swapped(golden.values("loss_weights"), B, T, width);
    for (int l = golden.size("layers") - 1; l >= 0; l--) {
      int inputSize = l == 0 ? golden.size("I") : width;
      double[] below = new double[T * B * inputSize];
      int k = 0;
      for (Part part : parts(golden.cell(), inputSize, H, both, l)) {
        ReferenceKernel kernel = kernels.get(l).get(k++);
        var dx = new DoublePointer((long) T * B * inputSize);
        kernel.backward(
            0, new DoublePointer(extract(gradient, part.column(), H, width)), null, dx, null);
        var block = new DoublePointer(part.shape().parameterCount());
        kernel.takeGradients(block);
        double[] gradients = read(block, Math.toIntExact(part.shape().parameterCount()));
        GoldenFile.tensors(part.shape(), gradients)
            .forEach((name, values) -> require(golden, "grad_" + name + part.suffix(), values));
        double[] own = read(dx, below.length);
        for (int e = 0; e < below.length; e++) {
          below[e] += own[e];
        }
      }
      gradient = below;
    }
    require(golden, "grad_x", GoldenFile.swapped(gradient, T, B, golden.size("I")));
  }

  private static void require(GoldenFile golden, String tensor, double[] actual) {
    assertClose(golden + ": " + tensor, actual, golden.values(tensor), TOLERANCE);
  }

  private static double product(double[] a, double[] b) {
    double sum = 0;
    for (int k = 0; k < a.length; k++) {
      sum += a[k] * b[k];
    }
    return sum;
  }

  private static List<Part> parts(Cell cell, int inputSize, int H, boolean both, int layer) {
    var shape = new CellShape(cell, inputSize, H);
    var parts = new ArrayList<Part>();
    parts.add(new Part(shape, Direction.FORWARD, "_l" + layer, 0));
    if (both) {
      parts.add(new Part(shape, Direction.BACKWARD, "_l" + layer + "_reverse", H));
    }
    return parts;
  }

  private static double[] read(org.bytedeco.javacpp.Pointer memory, int length) {
    double[] values = new double[length];
    new DoublePointer(memory).get(values);
    return values;
  }

  /** Writes rows of H numbers into rows of {@code width}. */
  private static void insert(double[] rows, double[] wide, int column, int H, int width) {
    for (int row = 0; row < rows.length / H; row++) {
      System.arraycopy(rows, row * H, wide, row * width + column, H);
    }
  }

  private static double[] extract(double[] wide, int column, int H, int width) {
    double[] rows = new double[wide.length / width * H];
    for (int row = 0; row < rows.length / H; row++) {
      System.arraycopy(wide, row * width + column, rows, row * H, H);
    }
    return rows;
  }
}
