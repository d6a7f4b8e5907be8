package io.sluice.sequences.source;

import java.util.List;
import java.util.Map;

/**
 * Where a table lies and how it is read.
 *
 * @param described the setting and its value, for messages
 * @param path file, folder or glob; a Hadoop URI
 * @param format a Spark data source
 * @param options given to Spark's reader as they are
 * @param columnNames names for files without a header; empty where the files name their columns
 */
public record TableSource(
    String described,
    String path,
    String format,
    Map<String, String> options,
    List<String> columnNames) {

  /** A table whose files name their columns. */
  public TableSource(String described, String path, String format, Map<String, String> options) {
    this(described, path, format, options, List.of());
  }

  boolean isCsv() {
    return format.equals("csv");
  }
}
