package io.sluice.recurrent.dropout;

/**
 * A generator without state: bit j of a row is a function of the row's key and of j.
 *
 * <pre>{@code
 * x = mix(mix(j · φ + low half of key) ^ high half of key)        32 bits, mix is a bijection
 * kept, if x / 2³² < p
 * }</pre>
 *
 * <p>Keys of rows are mixed in 64 bits from what they are made of.
 *
 * <p><b>Source.</b> The form, a counter enciphered under a key, is that of Salmon, Moraes, Dror and
 * Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. The two mixing functions are the
 * finalizers of MurmurHash3 (Appleby) and of SplitMix64 (Steele, Lea and Flood, "Fast splittable
 * pseudorandom number generators", OOPSLA 2014).
 *
 * <p><b>Considered:</b> Philox and Threefry of that paper. Philox needs the high half of a product
 * of 32 bits, of which HotSpot makes no vector instruction; Threefry takes twice as many
 * instructions for quality that a coin for each number has no use for.
 */
final class KeepBits {
  /** Numbers that one call of {@link #fill} gives at most. */
  static final int MOST = 4096;

  private static final int PHI = 0x9E3779B9;
  private static final long PHI_64 = 0x9E3779B97F4A7C15L;

  /** j·φ: HotSpot makes vector instructions of a load, and none of a loop's counter. */
  private static final int[] COUNTERS = new int[MOST];

  static {
    for (int j = 0; j < MOST; j++) {
      COUNTERS[j] = j * PHI;
    }
  }

  private KeepBits() {}

  /** A 64-bit number of a name: FNV-1a. */
  static long of(String name) {
    long hash = 0xCBF29CE484222325L;
    for (int k = 0; k < name.length(); k++) {
      hash = (hash ^ name.charAt(k)) * 0x100000001B3L;
    }
    return hash;
  }

  /** A key of two numbers, in this order. */
  static long key(long a, long b) {
    return mix(mix(a + PHI_64) + b * PHI_64);
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** What {@link #fill} wants for a share p to keep: p·2³¹, rounded. */
  static int threshold(double kept) {
    return (int) Math.min(Integer.MAX_VALUE, Math.round(kept * 0x1p31));
  }

  /**
   * block[at + j] = {@code value} where bit {@code from} + j of a row is kept, else 0, for j &lt;
   * n.
   *
   * @param n at most {@link #MOST}
   */
  static void fill(long key, int from, int threshold, int value, int[] block, int at, int n) {
    int first = from * PHI + (int) key;
    int second = (int) (key >>> 32);
    for (int j = 0; j < n; j++) {
      block[at + j] = COUNTERS[j] + first;
    }
    mix(block, at, n);
    for (int j = 0; j < n; j++) {
      block[at + j] ^= second;
    }
    mix(block, at, n);
    for (int j = 0; j < n; j++) {
      // all ones if x / 2³² < p: arithmetic where a condition would not become vector instructions
      block[at + j] = (((block[at + j] >>> 1) - threshold) >> 31) & value;
    }
  }

  /** In small loops: HotSpot makes no vector instructions of one as long as all of them. */
  private static void mix(int[] block, int at, int n) {
    for (int j = at; j < at + n; j++) {
      int x = block[j];
      x ^= x >>> 16;
      x *= 0x85EBCA6B;
      x ^= x >>> 13;
      x *= 0xC2B2AE35;
      block[j] = x ^ (x >>> 16);
    }
  }
}
