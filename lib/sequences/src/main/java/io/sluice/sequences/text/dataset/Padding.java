package io.sluice.sequences.text.dataset;

import io.sluice.sequences.text.dataset.TextManifest.Run;
import io.sluice.sequences.text.dataset.TextManifest.SplitSummary;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;

/**
 * How many batches of documents are mixed with one another, and what share of the time steps that
 * they compute is expected to be padding.
 *
 * <p>Part of the format: another number of batches is another order for the same seed. More mix
 * better and pad more, and the fewer documents there are, the more lengths a pool of them has. So
 * it is the most of 8, 4, 2 and 1 that is expected to pad no more than 8 %, by the lengths in the
 * manifest and nothing else: every reader comes to the same. Pools of one batch are batches of
 * neighbours.
 *
 * <p>A batch takes as many steps as the longest of its B documents, which are drawn from the n of a
 * pool, of which c(l) have at most l tokens:
 *
 * <pre>{@code
 * P(longest ≤ l) = Π (c(l) − j) / (n − j)    over j = 0 … B − 1
 * steps          = B · Σ l · (P(longest ≤ l) − P(longest < l))    over all lengths l
 * padding        = 1 − tokens / Σ steps
 * }</pre>
 *
 * <p>The sum is over batches and, as {@link EpochOrder} draws which pool is the short one, the mean
 * over these. Additions, products and quotients alone, which are the same on every machine. Lengths
 * are known to 1 part in 64 and taken for the longest that they may be, so the truth is a little
 * less.
 *
 * @param poolBatches batches of a pool
 * @param share of all computed steps, 0 to 1; empty where the manifest does not tell lengths
 */
public record Padding(int poolBatches, OptionalDouble share) {
  /** Batches of a pool, where they pad little; and of every pool of older datasets. */
  public static final int MOST_BATCHES = 8;

  private static final double WANTED_SHARE = 0.08;
  private static final double MUCH = 0.1;

  static Padding of(SplitSummary split, int batchSize) {
    if (split.lengthRuns() == null) {
      return new Padding(MOST_BATCHES, OptionalDouble.empty());
    }
    var order = new StoredOrder(split.lengthRuns(), split.tokens());
    int batches = MOST_BATCHES;
    double share = order.padding(batches, batchSize);
    while (share > WANTED_SHARE && batches > 1) {
      batches /= 2;
      share = order.padding(batches, batchSize);
    }
    return new Padding(batches, OptionalDouble.of(share));
  }

  /** Whether so much is computed in vain that a person should know. */
  public boolean isMuch() {
    return share.orElse(0) > MUCH;
  }

  /** Documents by length. */
  private static final class StoredOrder {
    private final int[] lengths; // of a run, the longest
    private final long[] ends; // documents to the end of a run
    private final long tokens;

    StoredOrder(List<Run> runs, long tokens) {
      this.lengths = runs.stream().mapToInt(Run::upTo).toArray();
      this.ends = runs.stream().mapToLong(Run::documents).toArray();
      Arrays.parallelPrefix(ends, Long::sum);
      this.tokens = tokens;
    }

    /** Share of an epoch's steps that is padding. */
    double padding(int poolBatches, int batchSize) {
      long documents = ends.length == 0 ? 0 : ends[ends.length - 1];
      long pool = (long) poolBatches * batchSize;
      long full = documents / pool;
      long rest = documents % pool;
      double steps = 0;
      if (rest == 0) {
        for (long k = 0; k < full; k++) {
          steps += steps(k * pool, pool, batchSize);
        }
      } else {
        // the short pool is any of full + 1: before it a pool begins at k pools, behind it later
        for (long k = 0; k < full; k++) {
          steps += (full - k) * steps(k * pool, pool, batchSize);
          steps += (k + 1) * steps(k * pool + rest, pool, batchSize);
        }
        for (long k = 0; k <= full; k++) {
          steps += steps(k * pool, rest, batchSize);
        }
        steps /= full + 1;
      }
      return steps == 0 ? 0 : Math.max(0, 1 - tokens / steps);
    }

    /** Steps of a pool, of all its documents. */
    private double steps(long first, long documents, int batchSize) {
      long last = documents % batchSize;
      double steps = (documents - last) * longest(first, documents, batchSize);
      return last == 0 ? steps : steps + last * longest(first, documents, last);
    }

    /** Expected length of the longest of some documents of a pool. */
    private double longest(long first, long documents, long drawn) {
      int run = Arrays.binarySearch(ends, first);
      double expected = 0;
      double below = 0;
      for (run = run < 0 ? -1 - run : run + 1; ; run++) {
        long count = Math.min(documents, ends[run] - first);
        double p = count == documents ? 1 : allAmong(count, documents, drawn);
        expected += (p - below) * lengths[run];
        if (count == documents) {
          return expected;
        }
        below = p;
      }
    }

    /** Probability that all that are drawn are of the first so many. */
    private static double allAmong(long count, long documents, long drawn) {
      if (count < drawn) {
        return 0;
      }
      double p = 1;
      for (long j = 0; j < drawn; j++) {
        p *= (double) (count - j) / (documents - j);
      }
      return p;
    }
  }
}
