package io.sluice.sequences.text.dataset;

import java.util.Arrays;

/**
 * Documents of consecutive numbers in flat arrays.
 *
 * <pre>
 * ids     all tokens, one document after the other
 * starts  of document i in ids; one more than there are documents
 * labels  class index, −1 = none
 * names   null where they were not asked for
 * </pre>
 */
final class Documents {
  private final long first;
  private int size;
  private int[] ids;
  private int[] starts;
  private int[] labels;
  private String[] names;

  /**
   * @param first number of the first document
   * @param documents that will be added
   * @param tokens that they have; more are found room for
   */
  Documents(long first, int documents, int tokens, boolean named) {
    this.first = first;
    this.ids = new int[tokens];
    this.starts = new int[documents + 1];
    this.labels = new int[documents];
    this.names = named ? new String[documents] : null;
  }

  void add(int[] newIds, int label, String name) {
    int start = starts[size];
    int end = Math.addExact(start, newIds.length);
    if (end > ids.length) {
      ids = Arrays.copyOf(ids, Math.max(end, (int) Math.min(Integer.MAX_VALUE - 8, 2L * end)));
    }
    System.arraycopy(newIds, 0, ids, start, newIds.length);
    labels[size] = label;
    if (names != null) {
      names[size] = name;
    }
    starts[++size] = end;
  }

  /** Tokens of a document. */
  int length(long document) {
    int i = (int) (document - first);
    return starts[i + 1] - starts[i];
  }

  /** Writes the ids of a document into a column of a (T, B) matrix. */
  void copyTo(int[] timeMajor, int column, int columns, long document) {
    int i = (int) (document - first);
    for (int t = starts[i], at = column; t < starts[i + 1]; t++, at += columns) {
      timeMajor[at] = ids[t];
    }
  }

  int label(long document) {
    return labels[(int) (document - first)];
  }

  /** Null where names were not asked for. */
  String name(long document) {
    return names == null ? null : names[(int) (document - first)];
  }
}
