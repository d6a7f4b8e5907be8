package io.sluice.recurrent.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.javacpp.BytePointer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NativeRowsTest {
  private static final int ROWS = 7;
  private static final int ROW_BYTES = 3;

  /** Windows of one row, which is longer or not, of two, and of all. */
  @ParameterizedTest
  @ValueSource(ints = {2, 5, 8, 1 << 20})
  void rowsAreCopiedAcrossWindows(int windowBytes) {
    byte[] values = new byte[ROWS * ROW_BYTES];
    for (int k = 0; k < values.length; k++) {
      values[k] = (byte) (k + 1);
    }
    byte[] expected = new byte[values.length];
    for (int row = 0; row < ROWS - 1; row++) {
      System.arraycopy(values, row * ROW_BYTES, expected, (5 - row) * ROW_BYTES, ROW_BYTES);
    }
    System.arraycopy(new byte[] {-1, -2, -3}, 0, expected, 6 * ROW_BYTES, ROW_BYTES);
    try (var source = new BytePointer(values);
        var target = new BytePointer((long) values.length)) {
      var from = new NativeRows(source, ROWS, ROW_BYTES, windowBytes);
      var to = new NativeRows(target, ROWS, ROW_BYTES, windowBytes);

      for (int row = 0; row < ROWS - 1; row++) {
        to.copy(5 - row, from, row);
      }
      to.put(6, new byte[] {-1, -2, -3});

      byte[] actual = new byte[values.length];
      target.get(actual);
      assertThat(actual).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 2600, 4096, 1 << 30, Integer.MAX_VALUE})
  void rowsBehindTheSecondGibibyteLieInAWindow(int rowBytes) {
    var none = new NativeRows(new BytePointer(), 0, rowBytes);
    for (long from = 0; from < 1L << 36; from += 123_456_789) {
      long row = from / rowBytes;
      int window = none.window(row);

      assertThat(none.start(window) + none.offset(row)).isEqualTo(row * rowBytes);
      assertThat(none.offset(row)).isNotNegative();
      // a row does not lie across the end of one
      assertThat(none.window(row + 1)).isBetween(window, window + 1);
      assertThat(none.offset(row) + (long) rowBytes)
          .isLessThanOrEqualTo(none.start(window + 1) - none.start(window));
      assertThat(none.start(window + 1) - none.start(window))
          .isLessThanOrEqualTo(Math.max(1 << 30, rowBytes));
    }
  }
}
