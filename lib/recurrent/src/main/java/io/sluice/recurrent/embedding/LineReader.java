package io.sluice.recurrent.embedding;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Lines of a text file, cut into fields at spaces and tabs. All is bytes of one buffer: nothing is
 * decoded and no object made for a line or a field.
 */
final class LineReader {
  private static final double[] POWERS = new double[23];

  static {
    for (int k = 0; k < POWERS.length; k++) {
      POWERS[k] = Double.parseDouble("1e" + k);
    }
  }

  private final InputStream in;
  private byte[] buffer = new byte[1 << 16];

  /** Of what was read and is not behind the line yet: [next, filled). */
  private int next;

  private int filled;
  private boolean isFirst = true;
  private int[] starts = new int[512];
  private int[] ends = new int[512];
  private int fields;

  LineReader(InputStream in) {
    this.in = in;
  }

  /** Goes to the next line; false at the end of the file. */
  boolean next() throws IOException {
    int end = next;
    while (true) {
      while (end < filled && buffer[end] != '\n') {
        end++;
      }
      if (end < filled) {
        break;
      }
      end -= makeRoom();
      int read = in.read(buffer, filled, buffer.length - filled);
      if (read < 0) {
        if (next == filled) {
          return false;
        }
        break;
      }
      filled += read;
    }
    cut(next, end);
    next = Math.min(filled, end + 1);
    return true;
  }

  /** Moves what is left to the front, and grows where that is not enough; returns how far. */
  private int makeRoom() {
    int moved = next;
    if (moved > 0) {
      System.arraycopy(buffer, next, buffer, 0, filled - next);
      filled -= moved;
      next = 0;
    }
    if (filled == buffer.length) {
      buffer = Arrays.copyOf(buffer, 2 * buffer.length);
    }
    return moved;
  }

  private void cut(int from, int to) {
    int at = from;
    if (isFirst
        && to - from >= 3
        && buffer[at] == (byte) 0xEF
        && buffer[at + 1] == (byte) 0xBB
        && buffer[at + 2] == (byte) 0xBF) {
      at += 3; // byte-order mark
    }
    isFirst = false;
    fields = 0;
    while (at < to) {
      while (at < to && isSpace(buffer[at])) {
        at++;
      }
      int start = at;
      while (at < to && !isSpace(buffer[at])) {
        at++;
      }
      if (at > start) {
        if (fields == starts.length) {
          starts = Arrays.copyOf(starts, 2 * fields);
          ends = Arrays.copyOf(ends, 2 * fields);
        }
        starts[fields] = start;
        ends[fields++] = at;
      }
    }
  }

  private static boolean isSpace(byte b) {
    return b == ' ' || b == '\t' || b == '\r';
  }

  /** Of the line. */
  int fields() {
    return fields;
  }

  /** What fields lie in, valid until the next line. */
  byte[] bytes() {
    return buffer;
  }

  int start(int field) {
    return starts[field];
  }

  int end(int field) {
    return ends[field];
  }

  String text(int field) {
    return new String(buffer, starts[field], ends[field] - starts[field], StandardCharsets.UTF_8);
  }

  /** A field of up to 18 digits as a number; −1 if it is none. */
  long wholeNumber(int field) {
    long number = 0;
    for (int k = starts[field]; k < ends[field]; k++) {
      if (buffer[k] < '0' || buffer[k] > '9' || ends[field] - starts[field] > 18) {
        return -1;
      }
      number = 10 * number + buffer[k] - '0';
    }
    return number;
  }

  /** Whether fields [from, to) are numbers. */
  boolean areNumbers(int from, int to) {
    for (int field = from; field < to; field++) {
      if (Float.isNaN(number(field))) {
        return false;
      }
    }
    return true;
  }

  /**
   * A field as float32, NaN if it is no number. Up to 18 digits and a power of ten up to 22 are
   * computed here, in float64: the nearest float32 but for ties that float64 rounds away.
   */
  float number(int field) {
    int at = starts[field];
    int end = ends[field];
    boolean negative = buffer[at] == '-';
    at += negative || buffer[at] == '+' ? 1 : 0;
    long digits = 0;
    int count = 0;
    int point = -1;
    for (; at < end; at++) {
      byte b = buffer[at];
      if (b >= '0' && b <= '9') {
        digits = 10 * digits + b - '0';
        count++;
      } else if (b == '.' && point < 0) {
        point = count;
      } else {
        break;
      }
    }
    int exponent = point < 0 ? 0 : point - count;
    if (at < end && (buffer[at] | 0x20) == 'e' && end - at <= 5) {
      exponent += exponent(at + 1, end);
      at = end;
    }
    if (at < end || count == 0 || count > 18 || Math.abs(exponent) >= POWERS.length) {
      return slowly(field);
    }
    double value = exponent < 0 ? digits / POWERS[-exponent] : digits * POWERS[exponent];
    return (float) (negative ? -value : value);
  }

  /** Of up to four characters; out of any range if it is none. */
  private int exponent(int from, int end) {
    int at = from;
    boolean negative = at < end && buffer[at] == '-';
    at += at < end && (negative || buffer[at] == '+') ? 1 : 0;
    int value = at < end ? 0 : 1 << 20;
    for (; at < end; at++) {
      if (buffer[at] < '0' || buffer[at] > '9') {
        return 1 << 20;
      }
      value = 10 * value + buffer[at] - '0';
    }
    return negative ? -value : value;
  }

  private float slowly(int field) {
    try {
      String text = text(field);
      char last = text.charAt(text.length() - 1);
      // Java takes 1f and 1d for numbers
      return Character.isLetter(last) ? Float.NaN : Float.parseFloat(text);
    } catch (NumberFormatException e) {
      return Float.NaN;
    }
  }
}
