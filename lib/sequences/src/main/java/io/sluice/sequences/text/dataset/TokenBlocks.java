package io.sluice.sequences.text.dataset;

import static io.sluice.sequences.text.dataset.TextColumns.BLOCK_TOKENS;

import java.util.List;
import org.apache.hadoop.conf.Configuration;

/** The tokens of a split's stream by number. */
final class TokenBlocks {
  private final String dataset;
  private final List<TextManifest.Part> parts;
  private final Configuration hadoop;

  TokenBlocks(String dataset, List<TextManifest.Part> parts, Configuration hadoop) {
    this.dataset = dataset;
    this.parts = parts;
    this.hadoop = hadoop;
  }

  /** N, tokens of the stream. */
  long tokens() {
    return parts.stream().mapToLong(TextManifest.Part::tokens).sum();
  }

  /** Tokens {@code from} to {@code to} − 1. */
  int[] read(long from, long to) {
    int[] tokens = new int[Math.toIntExact(to - from)];
    long firstBlock = from / BLOCK_TOKENS;
    long endBlock = (to + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
    long first = 0; // block of the part
    for (TextManifest.Part part : parts) {
      long begin = Math.max(firstBlock, first);
      long end = Math.min(endBlock, first + part.rows());
      if (begin < end) {
        PartRows.ofBlocks(dataset, part, hadoop)
            .read(
                begin,
                end,
                (batch, row, block) -> {
                  int[] ids = PartRows.ids(batch, row);
                  long start = block * BLOCK_TOKENS;
                  int skip = (int) Math.max(0, from - start);
                  int count = (int) Math.min(ids.length, to - start) - skip;
                  System.arraycopy(ids, skip, tokens, (int) (start + skip - from), count);
                });
      }
      first += part.rows();
    }
    return tokens;
  }
}
