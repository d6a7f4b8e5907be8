package io.sluice.sequences.text.dataset;

import io.sluice.failure.InvalidInputException;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * One long text read at B places at once. Of N tokens, stream b begins at token b·N/B and has L =
 * N/B of them (both rounded down), of which the last is a target only; the order never changes.
 * Rank r of R owns the streams b ≡ r (mod R) for the whole run.
 *
 * <p>One object serves one thread.
 */
public final class TokenStreams {
  /** Read ahead a stream where streams are not kept: 256 KiB. */
  private static final int READ_TOKENS = 16 * TextColumns.BLOCK_TOKENS;

  private final TokenBlocks blocks;
  private final long tokens;
  private final int streams;
  private final Truncation truncation;
  private final Truncation.Cuts cuts;
  private final int rank;
  private final int ranks;
  private final int[][] kept; // by own stream; null where they are read as they go

  TokenStreams(
      String where,
      TokenBlocks blocks,
      int streams,
      Truncation truncation,
      int rank,
      int ranks,
      long memoryBytes) {
    if (streams < 1 || ranks < 1 || rank < 0 || rank >= ranks) {
      throw new IllegalArgumentException(
          "streams is %d, expected at least 1; rank is %d, expected 0 ≤ rank < ranks = %d"
              .formatted(streams, rank, ranks));
    }
    this.blocks = blocks;
    this.tokens = blocks.tokens();
    this.streams = streams;
    this.truncation = truncation;
    this.rank = rank;
    this.ranks = ranks;
    if (length() < 2) {
      throw new InvalidInputException(
          "%s has %d tokens: %d streams get %d each, and a stream needs at least 2. %s"
              .formatted(
                  where,
                  tokens,
                  streams,
                  length(),
                  tokens < 2
                      ? "Give more text."
                      : "Read it as at most %d streams, or give more text.".formatted(tokens / 2)));
    }
    this.cuts = truncation.over(length() - 1);
    this.kept = 4L * length() * size() <= memoryBytes ? readAll() : null;
  }

  private int[][] readAll() {
    var all = new int[size()][];
    for (int i = 0; i < all.length; i++) {
      all[i] = blocks.read(first(i), first(i) + length());
    }
    return all;
  }

  /** L, tokens of each stream. */
  public long length() {
    return tokens / streams;
  }

  /** Steps of each epoch, the same on every rank. */
  public long steps() {
    return cuts.steps();
  }

  /** Tokens that an epoch predicts, over all ranks: B·(L − 1) of the N. */
  public long predictions() {
    return streams * (length() - 1);
  }

  /** Streams of this rank. */
  public int size() {
    return (streams - rank + ranks - 1) / ranks;
  }

  /** Whether this rank's streams are kept in memory, or read again each epoch. */
  public boolean isInMemory() {
    return kept != null;
  }

  /** First token of this rank's i-th stream. */
  private long first(int i) {
    int stream = rank + i * ranks;
    // b·N/B without b·N, which may be too large
    return tokens / streams * stream + tokens % streams * stream / streams;
  }

  /**
   * This rank's streams from a step on, as a reader of the whole epoch would come to it. The batch
   * object is reused.
   *
   * @param epoch from 0; epochs differ where lengths of steps vary
   * @param fromStep 0 ≤ fromStep ≤ {@link #steps()}
   */
  public Iterator<StreamBatch> epoch(int epoch, long fromStep) {
    if (fromStep < 0 || fromStep > steps()) {
      throw new IllegalArgumentException(
          "fromStep is %d, expected 0 ≤ fromStep ≤ %d, the steps of an epoch"
              .formatted(fromStep, steps()));
    }
    return new Batches(cuts.starts(epoch), fromStep);
  }

  private final class Batches implements Iterator<StreamBatch> {
    private final StreamBatch batch = new StreamBatch(size(), streams, truncation.longest());
    private final long[] starts;
    private final int[][] window = new int[size()][];
    private final long[] windowFirst = new long[size()]; // in its stream
    private long step;

    Batches(long[] starts, long fromStep) {
      this.starts = starts;
      this.step = fromStep;
    }

    @Override
    public boolean hasNext() {
      return step < steps();
    }

    @Override
    public StreamBatch next() {
      if (!hasNext()) {
        throw new NoSuchElementException("no more batches");
      }
      long from = cuts.start(starts, step);
      int T = (int) (cuts.start(starts, step + 1) - from);
      int B = size();
      for (int b = 0; b < B; b++) {
        int[] source = at(b, from, from + T + 1);
        int start = (int) (from - windowFirst[b]);
        for (int t = 0; t < T; t++) {
          batch.ids[t * B + b] = source[start + t];
          batch.nextIds[t * B + b] = source[start + t + 1];
        }
      }
      batch.timeSteps = T;
      batch.step = step++;
      return batch;
    }

    /** Tokens of a stream that include {@code from} to {@code to} − 1. */
    private int[] at(int b, long from, long to) {
      if (kept != null) {
        return kept[b];
      }
      int[] known = window[b];
      if (known == null || from < windowFirst[b] || to > windowFirst[b] + known.length) {
        long end = Math.min(length(), from + Math.max(READ_TOKENS, to - from));
        window[b] = blocks.read(first(b) + from, first(b) + end);
        windowFirst[b] = from;
      }
      return window[b];
    }
  }
}
