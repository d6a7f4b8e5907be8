package io.sluice.scoring.bundle;

import io.sluice.sequences.lake.Lake;
import java.util.Optional;
import org.apache.hadoop.fs.Path;

/**
 * The exclusive right to publish one version: a file {@code .claims/<version>} that only one
 * publisher can create ({@link Lake#createExclusively}).
 *
 * <p>A claim is dropped once the version's folder is there, or publishing failed; a publisher that
 * died leaves one, which costs the registry that number and nothing else. Where creation is not
 * exclusive two publishers in the same second may both pass, and the slower one's files win.
 */
final class VersionClaim implements AutoCloseable {
  private final Lake lake;
  private final Path path;

  private VersionClaim(Lake lake, Path path) {
    this.lake = lake;
    this.path = path;
  }

  /** Takes the claim, or nothing if another publisher holds it. */
  static Optional<VersionClaim> take(Lake lake, Path model, int version, String owner) {
    Path path = pathOf(model, version);
    return lake.createExclusively(path.toString(), owner)
        ? Optional.of(new VersionClaim(lake, path))
        : Optional.empty();
  }

  static Path pathOf(Path model, int version) {
    return new Path(model, ".claims/" + version);
  }

  @Override
  public void close() {
    lake.delete(path.toString());
  }
}
