package io.sluice.sequences.text;

import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.Corpus.Contents;
import io.sluice.sequences.text.dataset.TextManifest.Bin;
import io.sluice.sequences.text.dataset.TextManifest.Run;
import io.sluice.sequences.text.dataset.TextManifest.SplitSummary;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.TextContract.Layout;
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
   */
  static Map<String, SplitSummary> of(
      Map<Split, Contents> contents,
      Map<Split, TreeMap<String, Long>> labels,
      Map<Split, Long> unknown,
      TextContract contract) {
    var summaries = new TreeMap<String, SplitSummary>();
    int maxTokens = contract.maxTokens();
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
                  own.characters(),
                  unknown.get(split),
                  tokens == 0 ? 0 : (double) unknown.get(split) / tokens,
                  documents(own.lengths().tailMap(most, false)),
                  own.tokens() - tokens,
                  labels.get(split),
                  bins(stored),
                  contract.layout() == Layout.STREAM ? null : runs(stored),
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

  /** Lengths that differ by no more than 1 part in 64, together; all short ones by themselves. */
  static List<Run> runs(TreeMap<Integer, Long> lengths) {
    var runs = new ArrayList<Run>();
    int shortest = 0;
    int longest = 0;
    long documents = 0;
    for (Map.Entry<Integer, Long> entry : lengths.entrySet()) {
      int length = entry.getKey();
      if (documents > 0 && length - shortest > length / 64) {
        runs.add(new Run(longest, documents));
        documents = 0;
      }
      shortest = documents == 0 ? length : shortest;
      longest = length;
      documents += entry.getValue();
    }
    if (documents > 0) {
      runs.add(new Run(longest, documents));
    }
    return runs;
  }

  static long documents(Map<Integer, Long> lengths) {
    return lengths.values().stream().mapToLong(Long::longValue).sum();
  }

  static long tokens(Map<Integer, Long> lengths) {
    return lengths.entrySet().stream().mapToLong(e -> e.getKey() * e.getValue()).sum();
  }
}
