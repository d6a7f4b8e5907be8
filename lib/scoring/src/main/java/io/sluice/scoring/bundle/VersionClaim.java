package io.sluice.scoring.bundle;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/**
 * The exclusive right to publish one version: a file {@code .claims/<version>} that only one
 * publisher can create.
 *
 * <p>A claim is dropped once the version's folder is there, or publishing failed; a publisher that
 * died leaves one, which costs the registry that number and nothing else.
 *
 * <p>Exclusive creation is the file system's: HDFS and ABFS create atomically; Hadoop's local file
 * system does not (it looks first, then creates), so there the JDK's own exclusive creation is
 * used. Plain S3 has none: two publishers in the same second may both pass, and the slower one's
 * files win.
 */
final class VersionClaim implements AutoCloseable {
  private final FileSystem files;
  private final Path path;

  private VersionClaim(FileSystem files, Path path) {
    this.files = files;
    this.path = path;
  }

  /** Takes the claim, or nothing if another publisher holds it. */
  static Optional<VersionClaim> take(FileSystem files, Path model, int version, String owner)
      throws IOException {
    Path path = pathOf(model, version);
    files.mkdirs(path.getParent());
    byte[] content = owner.getBytes(StandardCharsets.UTF_8);
    try {
      if (files instanceof RawLocalFileSystem local) {
        Files.write(local.pathToFile(path).toPath(), content, StandardOpenOption.CREATE_NEW);
      } else {
        try (OutputStream out = files.create(path, false)) {
          out.write(content);
        }
      }
    } catch (FileAlreadyExistsException | org.apache.hadoop.fs.FileAlreadyExistsException e) {
      return Optional.empty();
    }
    return Optional.of(new VersionClaim(files, path));
  }

  static Path pathOf(Path model, int version) {
    return new Path(model, ".claims/" + version);
  }

  @Override
  public void close() {
    try {
      files.delete(path, false);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot delete the claim %s".formatted(path), e);
    }
  }
}
