package io.sluice.recurrent.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.bytedeco.javacpp.BytePointer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SideBySideTest {
  /** One row and many; blocks that divide the rows and that do not; a row longer than a block. */
  @ParameterizedTest
  @CsvSource({"1, 4", "7, 12", "4096, 16", "8192, 16", "8193, 16", "20000, 12", "3, 70000"})
  void rowsOfTwoMatricesStandSideBySideAndComeApartAgain(int rows, int rowBytes) {
    var halves = new SideBySide();
    byte[] a = bytes(1, rows * rowBytes);
    byte[] b = bytes(2, rows * rowBytes);
    var expected = new byte[2 * rows * rowBytes];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(a, row * rowBytes, expected, 2 * row * rowBytes, rowBytes);
      System.arraycopy(b, row * rowBytes, expected, (2 * row + 1) * rowBytes, rowBytes);
    }
    try (var left = new BytePointer(a);
        var right = new BytePointer(b);
        var both = new BytePointer(expected.length)) {

      halves.join(left, right, both, rows, rowBytes);
      byte[] joined = read(both, expected.length);
      left.fill(0);
      right.fill(0);
      halves.split(both, left, right, rows, rowBytes);

      assertThat(joined).isEqualTo(expected);
      assertThat(read(left, a.length)).isEqualTo(a);
      assertThat(read(right, b.length)).isEqualTo(b);
    }
  }

  private static byte[] bytes(long seed, int length) {
    var bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static byte[] read(BytePointer pointer, int length) {
    var bytes = new byte[length];
    pointer.get(bytes, 0, length);
    return bytes;
  }
}
