package io.sluice.scoring.bundle;

import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.scoring.bundle.BundleManifest.FileEntry;
import io.sluice.scoring.bundle.BundleManifest.Training;
import io.sluice.sequences.lake.Lake;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts a trained network into a registry as {@code <registry>/<name>/<version>/}, whole or not at
 * all, and never over another one.
 *
 * <p>The files are written to a hidden folder beside the versions and moved into place by one
 * rename, under a {@link VersionClaim}. Of two publishers at once that leave the number open, each
 * gets its own; of two that ask for the same one, the second is refused.
 */
public final class BundlePublisher {
  /** Parameters of a network that fits: it is written, and read, as one array of bytes. */
  public static final long MOST_PARAMETERS = (Integer.MAX_VALUE - (1 << 20)) / Float.BYTES;

  private static final Logger LOG = LoggerFactory.getLogger(BundlePublisher.class);

  private BundlePublisher() {}

  /**
   * @param registryUri the registry, any Hadoop URI; made where absent
   * @param name the model's name, letters, digits, {@code . _ -}
   * @param version its number, or empty for the next free one
   * @throws InvalidInputException if the given version exists
   * @throws OperationFailedException if another publisher holds the version, or writing fails
   */
  public static PublishedBundle publish(
      String registryUri,
      String name,
      Optional<Integer> version,
      MultiLayerNetwork network,
      BundleContents contents,
      Configuration hadoop) {
    requireName(name);
    Path model = new Path(registryUri, name);
    try {
      Lake lake = Lake.of(hadoop);
      FileSystem files = lake.fileSystem(model.toString());
      files.mkdirs(model);
      byte[] zip = zip(network);
      try (Claimed claimed = claim(lake, files, model, version, contents)) {
        BundleManifest manifest = manifest(name, claimed.version(), contents, zip);
        byte[] json = BundleJson.write(manifest);
        write(files, model, claimed.version(), contents, files(contents, zip), json);
        Path target = new Path(model, Integer.toString(claimed.version()));
        String uri = files.makeQualified(target).toString();
        LOG.info("Published {} version {} at {}", name, claimed.version(), uri);
        return new PublishedBundle(uri, claimed.version(), Sha256.of(json));
      }
    } catch (IOException e) {
      throw Lake.writeFailure(model.toString(), e);
    }
  }

  private record Claimed(int version, VersionClaim claim) implements AutoCloseable {
    @Override
    public void close() {
      claim.close();
    }
  }

  private static Claimed claim(
      Lake lake, FileSystem files, Path model, Optional<Integer> version, BundleContents contents)
      throws IOException {
    String owner = contents.provenance().runId() + "\n";
    if (version.isPresent()) {
      return claimGiven(lake, files, model, version.get(), owner);
    }
    int next = ModelRegistry.versions(files, model).stream().reduce(0, Math::max) + 1;
    while (true) {
      Optional<VersionClaim> claim = VersionClaim.take(lake, model, next, owner);
      if (claim.isPresent()) {
        // a publisher may have finished, and dropped its claim, since the versions were listed
        if (!files.exists(new Path(model, Integer.toString(next)))) {
          return new Claimed(next, claim.get());
        }
        claim.get().close();
      }
      next = Math.addExact(next, 1);
    }
  }

  private static Claimed claimGiven(
      Lake lake, FileSystem files, Path model, int version, String owner) throws IOException {
    if (version < 1) {
      throw new IllegalArgumentException("version is %d, must be at least 1".formatted(version));
    }
    VersionClaim claim =
        VersionClaim.take(lake, model, version, owner)
            .orElseThrow(
                () ->
                    new OperationFailedException(
                        "Cannot publish %s version %d: another run holds %s. Wait for it, set registry.version to auto, or delete that file if the run is dead."
                            .formatted(
                                model.getName(), version, VersionClaim.pathOf(model, version))));
    if (files.exists(new Path(model, Integer.toString(version)))) {
      claim.close();
      throw new InvalidInputException(
          "Cannot publish %s version %d: it exists at %s and is never overwritten. Set registry.version to auto or to a free number."
              .formatted(model.getName(), version, new Path(model, Integer.toString(version))));
    }
    return new Claimed(version, claim);
  }

  private static void write(
      FileSystem files,
      Path model,
      int version,
      BundleContents contents,
      Map<String, byte[]> named,
      byte[] json)
      throws IOException {
    Path staging =
        new Path(model, ".staging-%d-%s".formatted(version, contents.provenance().runId()));
    Path target = new Path(model, Integer.toString(version));
    try {
      files.delete(staging, true);
      for (Map.Entry<String, byte[]> file : named.entrySet()) {
        write(files, new Path(staging, file.getKey()), file.getValue());
      }
      write(files, new Path(staging, BundleManifest.FILE_NAME), json);
      if (!files.rename(staging, target)) {
        throw new IOException("renaming %s to %s was refused".formatted(staging, target));
      }
    } catch (IOException e) {
      deleteAfter(e, files, staging);
      throw e;
    }
  }

  private static void deleteAfter(IOException failure, FileSystem files, Path staging) {
    try {
      files.delete(staging, true);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  private static void write(FileSystem files, Path path, byte[] content) throws IOException {
    try (OutputStream out = Lake.create(files, path, false)) {
      out.write(content);
    }
  }

  private static BundleManifest manifest(
      String name, int version, BundleContents contents, byte[] zip) {
    TrainedOn dataset = contents.dataset();
    var files = new TreeMap<String, FileEntry>();
    files(contents, zip)
        .forEach((file, bytes) -> files.put(file, new FileEntry(bytes.length, Sha256.of(bytes))));
    var run = contents.provenance();
    return new BundleManifest(
        BundleManifest.FORMAT,
        name,
        version,
        contents.spec(),
        dataset.contract(),
        dataset.preparation(),
        dataset.reference(),
        contents.metrics(),
        contents.residualQuantiles().orElse(null),
        contents.alarmThreshold().orElse(null),
        new Training(
            run.runId(),
            run.codeVersion(),
            run.configHash(),
            run.startedAt().toString(),
            contents.fineTunedFrom()),
        files,
        dataset.text());
  }

  /** All but the manifest. */
  private static Map<String, byte[]> files(BundleContents contents, byte[] zip) {
    var files = new TreeMap<>(contents.dataset().files());
    files.put(BundleManifest.MODEL_FILE, zip);
    return files;
  }

  /** Without the optimizer's state: a bundle predicts, a checkpoint resumes. */
  private static byte[] zip(MultiLayerNetwork network) throws IOException {
    var bytes = new ByteArrayOutputStream();
    ModelSerializer.writeModel(network, bytes, false);
    return bytes.toByteArray();
  }

  private static void requireName(String name) {
    if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
      throw new InvalidInputException(
          "Cannot publish a model named \"%s\": a name has letters, digits, dots, underscores and dashes only. Change name."
              .formatted(name));
    }
  }
}
