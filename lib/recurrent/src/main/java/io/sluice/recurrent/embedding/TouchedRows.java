package io.sluice.recurrent.embedding;

import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * Which of V rows may differ from zero: a sorted list, or all. All are at first, because nobody has
 * zeroed them yet.
 *
 * <p>Of one thread at a time. Allocates only when it grows.
 */
public final class TouchedRows {
  private int[] ids = new int[0];
  private int[] merged = new int[0];
  private int count;
  private boolean all = true;

  /** Whether any row may differ from zero. */
  public boolean areAll() {
    return all;
  }

  /** Rows in the list. */
  public int count() {
    if (all) {
      throw new IllegalStateException("All rows are touched: there is no list");
    }
    return count;
  }

  /** The k-th row of the list, in ascending order. */
  public int id(int k) {
    return ids[k];
  }

  /** All rows are zero. */
  public void clear() {
    all = false;
    count = 0;
  }

  /** Any row may differ from zero. */
  public void setAll() {
    all = true;
  }

  /** Adds all of another's. */
  public void add(TouchedRows other) {
    if (other.all) {
      setAll();
    } else {
      add(other.ids, other.count);
    }
  }

  /**
   * Adds rows.
   *
   * @param sorted n ascending ids, none twice
   */
  public void add(int[] sorted, int n) {
    if (all || n == 0) {
      return;
    }
    if (merged.length < count + n) {
      merged = new int[Math.max(count + n, merged.length + merged.length / 2)];
    }
    int a = 0;
    int b = 0;
    int m = 0;
    while (a < count && b < n) {
      int next = Math.min(ids[a], sorted[b]);
      a += ids[a] == next ? 1 : 0;
      b += sorted[b] == next ? 1 : 0;
      merged[m++] = next;
    }
    System.arraycopy(ids, a, merged, m, count - a);
    m += count - a;
    System.arraycopy(sorted, b, merged, m, n - b);
    m += n - b;
    int[] spare = ids;
    ids = merged;
    merged = spare;
    count = m;
  }

  /** Writes the list. */
  public void writeTo(IntBuffer out) {
    out.put(ids, 0, count());
  }

  @Override
  public String toString() {
    return all ? "all rows" : Arrays.toString(Arrays.copyOf(ids, count));
  }
}
