package io.sluice.sequences.telemetry.source;

import io.sluice.sequences.source.SourceFiles;
import java.util.Set;
import org.apache.spark.sql.api.java.UDF1;

/**
 * Names a series by its file: the path below the source's root, without extensions. The root is the
 * part of {@code source.path} before its first glob character, or the folder of a single file, so
 * the name does not depend on which other files are there.
 */
public final class SeriesOfFile implements UDF1<String, String> {
  private static final long serialVersionUID = 1L;
  private static final Set<String> EXTENSIONS =
      Set.of(
          "csv", "txt", "gz", "bz2", "zst", "lz4", "snappy", "deflate", "json", "parquet", "avro",
          "orc");

  private final String root;

  SeriesOfFile(String root) {
    this.root = root;
  }

  @Override
  public String call(String file) {
    return file == null || file.isEmpty() ? null : withoutExtensions(SourceFiles.below(root, file));
  }

  private static String withoutExtensions(String name) {
    String rest = name;
    while (true) {
      int dot = rest.lastIndexOf('.');
      if (dot <= rest.lastIndexOf('/') + 1 || !EXTENSIONS.contains(rest.substring(dot + 1))) {
        return rest;
      }
      rest = rest.substring(0, dot);
    }
  }
}
