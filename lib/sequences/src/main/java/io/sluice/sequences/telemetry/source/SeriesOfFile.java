package io.sluice.sequences.telemetry.source;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.apache.hadoop.fs.Path;
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

  /** The folder that names are relative to, as a path without scheme and authority. */
  public static String root(String sourcePath) {
    int glob = sourcePath.length();
    for (char c : "*?[{".toCharArray()) {
      int at = sourcePath.indexOf(c);
      if (at >= 0) {
        glob = Math.min(glob, at);
      }
    }
    String fixed = sourcePath.substring(0, glob);
    if (glob < sourcePath.length()) {
      fixed = fixed.substring(0, fixed.lastIndexOf('/') + 1);
    }
    String path = new Path(fixed.isEmpty() ? "." : fixed).toUri().getPath();
    return path.startsWith("/")
        ? path
        : new Path(new java.io.File("").getAbsolutePath(), path).toUri().getPath();
  }

  @Override
  public String call(String file) {
    return file == null || file.isEmpty() ? null : withoutExtensions(below(root, file));
  }

  /** The path of a file below the root, extensions and all; its name alone if it is not below. */
  public static String below(String root, String file) {
    String path = pathOf(file);
    return path.equals(root)
        ? path.substring(path.lastIndexOf('/') + 1)
        : path.startsWith(root.endsWith("/") ? root : root + "/")
            ? path.substring(root.endsWith("/") ? root.length() : root.length() + 1)
            : path.substring(path.lastIndexOf('/') + 1);
  }

  // Spark escapes blanks in some versions' file names and not in others
  private static String pathOf(String file) {
    try {
      return URI.create(file).getPath();
    } catch (IllegalArgumentException e) {
      String decoded = URLDecoder.decode(file.replace("+", "%2B"), StandardCharsets.UTF_8);
      return decoded.replaceFirst("^[a-zA-Z0-9]+:(//[^/]*)?", "");
    }
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
