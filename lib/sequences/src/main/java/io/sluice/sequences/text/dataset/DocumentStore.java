package io.sluice.sequences.text.dataset;

import java.util.List;
import org.apache.hadoop.conf.Configuration;

/** The documents of a split by number: the parts in order, the rows of each in order. */
final class DocumentStore {
  private static final int NAME = 3;

  private final String dataset;
  private final List<TextManifest.Part> parts;
  private final boolean named;
  private final Configuration hadoop;
  private Documents kept;

  DocumentStore(
      String dataset, List<TextManifest.Part> parts, boolean named, Configuration hadoop) {
    this.dataset = dataset;
    this.parts = parts;
    this.named = named;
    this.hadoop = hadoop;
  }

  /** Reads all of it, and keeps it. */
  void keep() {
    kept = read(0, size());
  }

  boolean isInMemory() {
    return kept != null;
  }

  /** Documents. */
  long size() {
    return parts.stream().mapToLong(TextManifest.Part::rows).sum();
  }

  /** What keeping all of it takes: ids, starts and labels. */
  long bytes() {
    return 4 * parts.stream().mapToLong(TextManifest.Part::tokens).sum() + 8 * size();
  }

  /** Documents that include those with numbers {@code from} to {@code to} − 1. */
  Documents range(long from, long to) {
    return kept == null ? read(from, to) : kept;
  }

  private Documents read(long from, long to) {
    long tokens = 0;
    long first = 0;
    for (TextManifest.Part part : parts) {
      long share = Math.min(to, first + part.rows()) - Math.max(from, first);
      tokens += share <= 0 ? 0 : Math.ceil((double) part.tokens() * share / part.rows());
      first += part.rows();
    }
    var documents = new Documents(from, Math.toIntExact(to - from), Math.toIntExact(tokens), named);
    first = 0;
    for (TextManifest.Part part : parts) {
      long begin = Math.max(0, from - first);
      long end = Math.min(part.rows(), to - first);
      if (begin < end) {
        PartRows.ofDocuments(dataset, part, named, hadoop)
            .read(
                begin,
                end,
                (batch, row, number) ->
                    documents.add(
                        PartRows.ids(batch, row),
                        batch.column(2).isNullAt(row) ? -1 : batch.column(2).getInt(row),
                        named ? batch.column(NAME).getUTF8String(row).toString() : null));
      }
      first += part.rows();
    }
    return documents;
  }
}
