package io.sluice.sequences.text;

import io.sluice.config.Provenance;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.source.SourceFiles;
import io.sluice.sequences.text.KeptTokens.FileState;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/**
 * The files of all sources, listed before any of them is read: a file that changes while it is read
 * is then another one at the next build.
 */
final class SourceState {
  private final List<Map<Path, FileStatus>> listed = new ArrayList<>();

  private SourceState() {}

  static SourceState list(TextSettings.Source source, Configuration hadoop) {
    var state = new SourceState();
    for (String path : source.paths()) {
      var files = new HashMap<Path, FileStatus>();
      try {
        if (path != null) {
          SourceFiles.list(path, hadoop).forEach(file -> files.put(file.getPath(), file));
        }
      } catch (IOException e) {
        throw Lake.readFailure("source", path, e);
      }
      state.listed.add(files);
    }
    return state;
  }

  /** SHA-256 of the names, lengths and times of all files. */
  String hash() {
    var text = new StringBuilder();
    for (Map<Path, FileStatus> files : listed) {
      text.append("source\n");
      files.values().stream()
          .map(f -> "%s %d %d\n".formatted(f.getPath(), f.getLen(), f.getModificationTime()))
          .sorted()
          .forEach(text::append);
    }
    return Provenance.sha256(text.toString());
  }

  /**
   * A file that Spark reads; one that came after the listing has a length that no file has.
   *
   * @param uri as Spark writes it
   * @param name below the source's root
   */
  FileState of(int source, String uri, String name) {
    FileStatus status = listed.get(source).get(new Path(URI.create(uri)));
    return status == null
        ? new FileState(source, name, -1, -1)
        : new FileState(source, name, status.getLen(), status.getModificationTime());
  }
}
