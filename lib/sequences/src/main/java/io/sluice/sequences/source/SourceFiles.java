package io.sluice.sequences.source;

import io.sluice.failure.InvalidInputException;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;

/** The files behind a path, file, folder or glob, as Spark sees them: hidden ones do not count. */
public final class SourceFiles {
  private SourceFiles() {}

  /** Refuses a path that is missing, may not be read or holds no data. */
  static void require(String described, String path, Configuration hadoop) {
    try {
      var glob = new Path(path);
      FileStatus[] found = glob.getFileSystem(hadoop).globStatus(glob);
      if (found == null || found.length == 0) {
        throw new InvalidInputException(
            "%s: there is no such file or folder. Give an existing path, folder or glob."
                .formatted(described));
      }
      long empty = 0;
      for (FileStatus status : found) {
        FileSystem fs = status.getPath().getFileSystem(hadoop);
        if (status.isFile()) {
          fs.open(status.getPath()).close(); // tells what a listing does not: no permission
        }
        var files = fs.listFiles(status.getPath(), true);
        while (files.hasNext()) {
          LocatedFileStatus file = files.next();
          if (isVisible(status.getPath(), file.getPath())) {
            if (file.getLen() > 0) {
              return;
            }
            empty++;
          }
        }
      }
      throw new InvalidInputException(
          empty == 0
              ? "%s holds no files. Give a path with data.".formatted(described)
              : "%s has no rows: its %d file(s) are empty. Give a path with data."
                  .formatted(described, empty));
    } catch (IOException | IllegalArgumentException e) {
      throw new InvalidInputException(
          "%s: cannot be read (%s). Check the path and its permissions."
              .formatted(described, e.getMessage()),
          e);
    }
  }

  /** Files with content, by URI, sorted. */
  static List<String> of(String path, Configuration hadoop) throws IOException {
    return list(path, hadoop).stream().map(file -> file.getPath().toString()).toList();
  }

  /** Files with content, sorted by URI; none where there is no such path. */
  public static List<FileStatus> list(String path, Configuration hadoop) throws IOException {
    var found = new ArrayList<FileStatus>();
    var glob = new Path(path);
    FileSystem fs = glob.getFileSystem(hadoop);
    FileStatus[] roots = fs.globStatus(glob);
    for (FileStatus root : roots == null ? new FileStatus[0] : roots) {
      var files = fs.listFiles(root.getPath(), true);
      while (files.hasNext()) {
        LocatedFileStatus file = files.next();
        if (isVisible(root.getPath(), file.getPath()) && file.getLen() > 0) {
          found.add(file);
        }
      }
    }
    found.sort(Comparator.comparing(file -> file.getPath().toString()));
    return found;
  }

  // a partition folder may begin with an underscore: _day=3
  private static boolean isVisible(Path root, Path file) {
    for (Path path = file; path != null && !path.equals(root); path = path.getParent()) {
      String name = path.getName();
      if (name.startsWith(".") || (name.startsWith("_") && !name.contains("="))) {
        return false;
      }
    }
    return true;
  }

  /**
   * The first file that cannot be read, found by halving: the readers of Spark name the file only
   * where its first row fails.
   *
   * @param reads whether these files can be read to their end
   * @return null if all of them can
   */
  static String firstBroken(List<String> files, Predicate<List<String>> reads) {
    if (files.isEmpty()) {
      return null;
    }
    int from = 0;
    int to = files.size();
    while (to - from > 1) {
      int middle = (from + to) >>> 1;
      if (reads.test(files.subList(from, middle))) {
        from = middle;
      } else {
        to = middle;
      }
    }
    String last = files.get(from);
    return reads.test(List.of(last)) ? null : last;
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
        : new Path(new File("").getAbsolutePath(), path).toUri().getPath();
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
}
