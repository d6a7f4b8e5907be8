package io.sluice.sequences.text;

import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.Corpus.Contents;
import io.sluice.sequences.text.dataset.TextManifest.Bin;
import io.sluice.sequences.text.dataset.TextManifest.SplitSummary;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What the manifest says of each split. */
final class SplitSummaries {
  private SplitSummaries() {}

  /**
   * @param labels documents by class
   * @param unknown stored tokens that the vocabulary lacks
   * @param maxTokens longer documents are cut; 0 = never
   */
  static Map<String, SplitSummary> of(
      Map<Split, Contents> contents,
      Map<Split, TreeMap<String, Long>> labels,
      Map<Split, Long> unknown,
      int maxTokens) {
    var summaries = new TreeMap<String, SplitSummary>();
    int most = maxTokens == 0 ? Integer.MAX_VALUE : maxTokens;
    contents.forEach(
        (split, own) -> {
          TreeMap<Integer, Long> stored = stored(own.lengths(), maxTokens);
          long tokens = tokens(stored);
          summaries.put(
              split.label(),
              new SplitSummary(
                  own.documents(),
                  tokens,
                  unknown.get(split),
                  tokens == 0 ? 0 : (double) unknown.get(split) / tokens,
                  documents(own.lengths().tailMap(most, false)),
                  own.tokens() - tokens,
                  labels.get(split),
                  bins(stored),
                  own.contentHash()));
        });
    return summaries;
  }

  /** Documents by the length that is left of them. */
  static TreeMap<Integer, Long> stored(TreeMap<Integer, Long> lengths, int maxTokens) {
    var stored = new TreeMap<Integer, Long>();
    lengths.forEach(
        (length, n) ->
            stored.merge(maxTokens == 0 ? length : Math.min(length, maxTokens), n, Long::sum));
    return stored;
  }

  /** Powers of two, and the longest. */
  private static List<Bin> bins(TreeMap<Integer, Long> lengths) {
    var bins = new ArrayList<Bin>();
    if (lengths.isEmpty()) {
      return bins;
    }
    int longest = lengths.lastKey();
    long below = -1;
    for (long upTo = 1; below < longest; upTo *= 2) {
      int end = (int) Math.min(upTo, longest);
      bins.add(new Bin(end, documents(lengths.subMap((int) below, false, end, true))));
      below = end;
    }
    return bins;
  }

  static long documents(Map<Integer, Long> lengths) {
    return lengths.values().stream().mapToLong(Long::longValue).sum();
  }

  static long tokens(Map<Integer, Long> lengths) {
    return lengths.entrySet().stream().mapToLong(e -> e.getKey() * e.getValue()).sum();
  }
}
