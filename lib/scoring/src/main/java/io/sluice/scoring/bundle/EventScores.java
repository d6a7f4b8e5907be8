package io.sluice.scoring.bundle;

import java.util.Arrays;

/**
 * Probabilities of an event, of windows that had it and of others, and what each threshold between
 * them would find. Eight bytes a window.
 */
public final class EventScores {
  private static final int FIRST_CAPACITY = 1024;

  // the bits of a float that is not negative ascend with it: above the lowest bit, which is the
  // event
  private long[] keys = new long[FIRST_CAPACITY];
  private int n;
  private long events;

  /** What is found where windows of at least a score are alarms. */
  @FunctionalInterface
  public interface Cut {
    /**
     * @param score of the windows that come in with this cut
     * @param found windows with the event, of this score and of higher ones
     * @param falseAlarms the others of them
     */
    void at(float score, long found, long falseAlarms);
  }

  /**
   * @param score a probability; one that is above 1 by rounding is taken as it is
   */
  public void add(float score, boolean isEvent) {
    if (!(score >= 0 && score < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "score is %s, must be finite and not negative".formatted(score));
    }
    if (n == keys.length) {
      keys = Arrays.copyOf(keys, Math.multiplyExact(2, n));
    }
    // 0.0 is added for the sake of -0.0, whose bits are those of a negative number
    keys[n++] = (long) Float.floatToIntBits(score + 0.0f) << 1 | (isEvent ? 1 : 0);
    events += isEvent ? 1 : 0;
  }

  /** Windows with the event. */
  public long events() {
    return events;
  }

  /** Windows without it. */
  public long others() {
    return n - events;
  }

  /** Whether there are windows with it and without. */
  public boolean hasBoth() {
    return events > 0 && events < n;
  }

  /**
   * Lowers the threshold from the highest score to the lowest. Windows of one score come in
   * together: no threshold parts them.
   */
  public void descend(Cut cut) {
    Arrays.sort(keys, 0, n);
    long found = 0;
    for (int i = n - 1; i >= 0; i--) {
      found += keys[i] & 1;
      if (i == 0 || keys[i - 1] >> 1 != keys[i] >> 1) {
        cut.at(Float.intBitsToFloat((int) (keys[i] >> 1)), found, n - i - found);
      }
    }
  }
}
