package io.sluice.sequences.text;

import io.sluice.sequences.dataset.Split;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.api.java.UDF3;

/**
 * Which file a document goes to: files hold lengths from one to another, about {@value
 * #PART_TOKENS} tokens; a length with more documents than fit one file is spread over several by a
 * hash. A function of how many documents have which length, and of nothing else.
 */
final class DocumentParts implements UDF3<Integer, Integer, Long, Long> {
  private static final long serialVersionUID = 1L;
  private static final long PART_TOKENS = 4_000_000;

  /**
   * @param lengths that occur, ascending
   * @param parts first part of each
   * @param slices parts of each; more than one only where the length has them alone
   */
  private record OfSplit(int[] lengths, int[] parts, int[] slices) implements Serializable {}

  private final OfSplit[] splits;
  private final int parts;

  private DocumentParts(OfSplit[] splits, int parts) {
    this.splits = splits;
    this.parts = parts;
  }

  /**
   * @param lengths documents by stored length, of each split
   */
  static DocumentParts of(Map<Split, TreeMap<Integer, Long>> lengths) {
    return of(lengths, PART_TOKENS);
  }

  static DocumentParts of(Map<Split, TreeMap<Integer, Long>> lengths, long partTokens) {
    var splits = new OfSplit[Split.values().length];
    int parts = 0;
    for (Split split : Split.values()) {
      TreeMap<Integer, Long> own = lengths.get(split);
      int part = 0;
      long inPart = 0;
      List<int[]> rows = new ArrayList<>();
      for (Map.Entry<Integer, Long> entry : own.entrySet()) {
        long tokens = Math.max(1, entry.getKey()) * entry.getValue();
        if (inPart > 0 && inPart + tokens > partTokens) {
          part++;
          inPart = 0;
        }
        int slices = (int) Math.max(1, (tokens + partTokens - 1) / partTokens);
        rows.add(new int[] {entry.getKey(), part, slices});
        if (slices > 1) {
          part += slices;
        } else {
          inPart += tokens;
        }
      }
      splits[split.ordinal()] = new OfSplit(column(rows, 0), column(rows, 1), column(rows, 2));
      parts += rows.isEmpty() ? 0 : part + (inPart > 0 ? 1 : 0);
    }
    return new DocumentParts(splits, parts);
  }

  private static int[] column(List<int[]> rows, int i) {
    return rows.stream().mapToInt(row -> row[i]).toArray();
  }

  /** Files of all splits. */
  int parts() {
    return parts;
  }

  /** The number of the file of a document; see {@link PartFiles#number}. */
  @Override
  public Long call(Integer split, Integer length, Long spread) {
    OfSplit own = splits[split];
    int i = Arrays.binarySearch(own.lengths(), length);
    // the upper 31 bits of 63, as a share of 2^31
    int slice = (int) ((spread >>> 32) * own.slices()[i] >>> 31);
    return PartFiles.number(Split.values()[split], own.parts()[i] + slice);
  }
}
