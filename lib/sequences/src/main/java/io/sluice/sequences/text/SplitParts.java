package io.sluice.sequences.text;

import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.Corpus.Contents;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The files of a dataset, split by split: written, or those of the last build where they would be
 * the same.
 *
 * @param unknown tokens that the vocabulary lacks
 * @param writtenSplits whose files this build wrote; those of others it took over
 */
record SplitParts(
    List<TextManifest.Part> parts, Map<Split, Long> unknown, List<String> writtenSplits) {

  /** Writes the splits that the last build does not have, beside those that it has. */
  static SplitParts write(
      DatasetWriting writing,
      Corpus corpus,
      TextContract contract,
      Vocabulary vocabulary,
      Map<Split, Contents> contents,
      LastBuild last) {
    List<Split> changed =
        contents.keySet().stream()
            .filter(s -> !last.keeps(s, contents.get(s).contentHash(), contract))
            .toList();
    List<WrittenPart> written =
        changed.isEmpty()
            ? List.of()
            : contract.layout() == Layout.STREAM
                ? writing.stream(
                    corpus.of(changed), vocabulary, lengths(contents, changed, contract))
                : writing.documents(
                    corpus.of(changed), contract, vocabulary, lengths(contents, changed, contract));
    var parts = new ArrayList<TextManifest.Part>();
    var unknown = new TreeMap<Split, Long>();
    for (Split split : Split.values()) {
      if (changed.contains(split)) {
        List<WrittenPart> own = written.stream().filter(p -> p.split() == split).toList();
        own.forEach(part -> parts.add(part.toPart()));
        unknown.put(split, own.stream().mapToLong(WrittenPart::unknown).sum());
      } else {
        parts.addAll(last.keep(split, writing.staged()));
        unknown.put(split, last.unknownTokens(split));
      }
    }
    return new SplitParts(
        List.copyOf(parts),
        unknown,
        changed.stream().filter(s -> contents.get(s).documents() > 0).map(Split::label).toList());
  }

  /** Documents by stored length, of splits that are written; of others none. */
  private static Map<Split, TreeMap<Integer, Long>> lengths(
      Map<Split, Contents> contents, List<Split> written, TextContract contract) {
    var lengths = new TreeMap<Split, TreeMap<Integer, Long>>();
    contents.forEach(
        (split, own) ->
            lengths.put(
                split,
                written.contains(split)
                    ? SplitSummaries.stored(own.lengths(), contract.maxTokens())
                    : new TreeMap<>()));
    return lengths;
  }
}
