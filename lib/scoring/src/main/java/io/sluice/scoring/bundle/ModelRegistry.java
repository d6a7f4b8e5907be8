package io.sluice.scoring.bundle;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.lake.Lake;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Finds bundles in {@code <registry>/<name>/<version>/}. */
public final class ModelRegistry {
  /** The setting that stands for the newest version. */
  public static final String LATEST = "latest";

  private ModelRegistry() {}

  /**
   * The folder a setting means.
   *
   * @param bundleSetting a bundle's folder; a model's, for the highest version there; or {@value
   *     #LATEST}: the highest version of {@code name}
   * @throws InvalidInputException if the registry has no such model
   */
  public static String resolve(
      String bundleSetting, String registryUri, String name, Configuration hadoop) {
    return resolve(bundleSetting, registryUri, name, Optional.empty(), hadoop);
  }

  /**
   * The same for who has used it before: where the setting stands for the newest version, it is the
   * one with the hash of then, if that is still there.
   *
   * @param hash of {@link ModelBundle#hash()}
   */
  public static String resolve(
      String bundleSetting,
      String registryUri,
      String name,
      Optional<String> hash,
      Configuration hadoop) {
    boolean isNamed = bundleSetting.equals(LATEST);
    Path model = isNamed ? new Path(registryUri, name) : new Path(bundleSetting);
    try {
      FileSystem files = Lake.of(hadoop).fileSystem(model.toString());
      List<Integer> versions = versions(files, model);
      if (versions.isEmpty() && !isNamed) {
        return bundleSetting;
      }
      if (versions.isEmpty()) {
        throw new InvalidInputException(
            "Registry %s has no model named %s (%s). Run train first, or set registry.path, name or the bundle's folder."
                .formatted(registryUri, name, contentOf(files, new Path(registryUri))));
      }
      int version = versions.get(versions.size() - 1);
      for (int k = versions.size() - 1; hash.isPresent() && k >= 0; k--) {
        if (hasHash(files, new Path(model, versions.get(k).toString()), hash.get())) {
          version = versions.get(k);
          break;
        }
      }
      return files.makeQualified(new Path(model, Integer.toString(version))).toString();
    } catch (IOException e) {
      throw Lake.readFailure("model registry", isNamed ? registryUri : bundleSetting, e);
    }
  }

  private static boolean hasHash(FileSystem files, Path bundle, String hash) throws IOException {
    try (FSDataInputStream in = files.open(new Path(bundle, BundleManifest.FILE_NAME))) {
      return Sha256.of(in.readAllBytes()).equals(hash);
    } catch (FileNotFoundException e) {
      return false;
    }
  }

  /** Published versions of a model, ascending. */
  static List<Integer> versions(FileSystem files, Path model) throws IOException {
    var versions = new ArrayList<Integer>();
    for (FileStatus status : list(files, model)) {
      String name = status.getPath().getName();
      if (status.isDirectory() && name.matches("[1-9][0-9]{0,8}")) {
        versions.add(Integer.valueOf(name));
      }
    }
    versions.sort(null);
    return versions;
  }

  private static String contentOf(FileSystem files, Path registry) throws IOException {
    var names = new ArrayList<String>();
    for (FileStatus status : list(files, registry)) {
      if (status.isDirectory() && !versions(files, status.getPath()).isEmpty()) {
        names.add(status.getPath().getName());
      }
    }
    return names.isEmpty()
        ? "it is empty"
        : names.stream().sorted().collect(Collectors.joining(", ", "it has: ", ""));
  }

  private static FileStatus[] list(FileSystem files, Path folder) throws IOException {
    try {
      return files.listStatus(folder);
    } catch (FileNotFoundException absent) {
      return new FileStatus[0];
    }
  }
}
