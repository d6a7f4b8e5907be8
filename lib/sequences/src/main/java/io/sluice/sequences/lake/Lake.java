package io.sluice.sequences.lake;

import io.sluice.failure.UserFailure;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Small files and folders at Hadoop URIs (local, {@code hdfs}, {@code s3a}, {@code abfs}).
 *
 * <p>Every method throws a {@link UserFailure} whose message names the path and what to do: {@code
 * InvalidInputException} where something to be read is missing or unreadable, {@code
 * OperationFailedException} where writing failed (full disk, no permission).
 */
public final class Lake {
  private static final Logger LOG = LoggerFactory.getLogger(Lake.class);

  private final Configuration hadoop;

  private Lake(Configuration hadoop) {
    this.hadoop = hadoop;
  }

  /** The lake as a Hadoop configuration sees it. */
  public static Lake of(Configuration hadoop) {
    return new Lake(hadoop);
  }

  /** What a failed read means to the user. */
  public static UserFailure readFailure(String what, String uri, Exception e) {
    return LakeFailure.reading(what, uri, e);
  }

  /** What a failed write means to the user. */
  public static UserFailure writeFailure(String uri, Exception e) {
    return LakeFailure.writing(uri, e);
  }

  /** Whether a failure is that of storage that is full or may not be written to. */
  public static boolean isWriteTrouble(Exception e) {
    return LakeFailure.isWriteTrouble(e);
  }

  /** Whether a file or folder is there. */
  public boolean exists(String uri) {
    try {
      return fileSystem(uri).exists(new Path(uri));
    } catch (IOException e) {
      throw LakeFailure.reading("path", uri, e);
    }
  }

  /**
   * Refuses a path that is missing or may not be read.
   *
   * @param what the thing that is expected there, "dataset"
   */
  public void requireReadable(String uri, String what) {
    try {
      FileStatus status = fileSystem(uri).getFileStatus(new Path(uri));
      if (status.isDirectory()) {
        fileSystem(uri).listStatus(status.getPath());
      } else {
        fileSystem(uri).open(status.getPath()).close();
      }
    } catch (IOException e) {
      throw LakeFailure.reading(what, uri, e);
    }
  }

  /** A whole file of UTF-8 text. */
  public String readText(String uri) {
    return readText(uri, "file");
  }

  /**
   * A whole file of UTF-8 text.
   *
   * @param what the thing that is expected there, "manifest"
   */
  public String readText(String uri, String what) {
    try (FSDataInputStream in = fileSystem(uri).open(new Path(uri))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw LakeFailure.reading(what, uri, e);
    }
  }

  /**
   * Writes a file so that a reader, or a rerun after a crash, sees the old text or the new one:
   * into a temporary file beside it, then renamed over it.
   */
  public void writeTextAtomically(String uri, String text) {
    var target = new Path(uri);
    var temporary =
        new Path(target.getParent(), "." + target.getName() + ".tmp-" + UUID.randomUUID());
    try {
      FileSystem fs = fileSystem(uri);
      try {
        try (OutputStream out = create(fs, temporary, true)) {
          out.write(text.getBytes(StandardCharsets.UTF_8));
        }
        replace(fs, temporary, target);
      } catch (IOException e) {
        deleteQuietly(temporary.toString());
        throw e;
      }
    } catch (IOException e) {
      throw LakeFailure.writing(uri, e);
    }
  }

  /**
   * Begins a file, whose every failure is an {@link IOException}.
   *
   * @param overwrite whether an older one is in its place; it fails where there is one otherwise
   */
  public static OutputStream create(FileSystem fs, Path file, boolean overwrite)
      throws IOException {
    return new LakeOutput(fs.create(file, overwrite));
  }

  /**
   * Creates a file only where there is none: of several that try at once, one gets through.
   *
   * <p>HDFS and ABFS create exclusively. Hadoop's local file system looks first and creates then,
   * so there the JDK's exclusive creation is used. Plain S3 has none: two that try within the same
   * moment may both get through, and the later text stands.
   *
   * @return whether this call made it; false if it was there
   */
  public boolean createExclusively(String uri, String text) {
    var path = new Path(uri);
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    FileSystem fs;
    try {
      fs = fileSystem(uri);
      fs.mkdirs(path.getParent());
    } catch (IOException e) {
      // a file in the parent's place, which must not pass for the file itself
      throw LakeFailure.writing(uri, e);
    }
    try {
      if (fs instanceof RawLocalFileSystem local) {
        Files.write(local.pathToFile(path).toPath(), bytes, StandardOpenOption.CREATE_NEW);
        return true;
      }
      return createExclusively(fs, path, bytes);
    } catch (FileAlreadyExistsException | org.apache.hadoop.fs.FileAlreadyExistsException e) {
      return false;
    } catch (IOException e) {
      throw LakeFailure.writing(uri, e);
    }
  }

  private static boolean createExclusively(FileSystem fs, Path path, byte[] bytes)
      throws IOException {
    try (OutputStream out = create(fs, path, false)) {
      out.write(bytes);
      return true;
    } catch (IOException e) {
      if (fs.exists(path)) { // some stores have a failure of their own for "already there"
        return false;
      }
      throw e;
    }
  }

  /** Creates a folder and its parents. */
  public void createFolder(String uri) {
    try {
      if (!fileSystem(uri).mkdirs(new Path(uri))) {
        throw new IOException("the folder could not be created");
      }
    } catch (IOException e) {
      throw LakeFailure.writing(uri, e);
    }
  }

  /** Names of what lies in a folder, sorted; empty where the folder is not there. */
  public List<String> children(String uri) {
    return Arrays.stream(list(uri)).map(status -> status.getPath().getName()).sorted().toList();
  }

  /** The child of a folder that was changed last, by URI; of two, the one whose name sorts last. */
  public Optional<String> newestChild(String uri) {
    return Arrays.stream(list(uri))
        .filter(status -> !status.getPath().getName().startsWith("."))
        .max(
            Comparator.comparingLong(FileStatus::getModificationTime)
                .thenComparing(status -> status.getPath().getName()))
        .map(status -> status.getPath().toString());
  }

  /** Deletes a file or folder with all in it; a missing one is no failure. */
  public void delete(String uri) {
    try {
      FileSystem fs = fileSystem(uri);
      var path = new Path(uri);
      if (!fs.delete(path, true) && fs.exists(path)) {
        throw new IOException("it could not be deleted");
      }
    } catch (IOException e) {
      throw LakeFailure.writing(uri, e);
    }
  }

  /** Deletes what nobody needs any more; a failure is logged and leaves it behind. */
  public void deleteQuietly(String uri) {
    try {
      fileSystem(uri).delete(new Path(uri), true);
    } catch (IOException e) {
      LOG.warn("Could not delete {}, which is no longer needed: {}", uri, e.getMessage());
    }
  }

  /** A path as every process and every working directory understands it: a full URI. */
  public String qualified(String uri) {
    try {
      return fileSystem(uri).makeQualified(new Path(uri)).toString();
    } catch (IOException e) {
      throw LakeFailure.reading("path", uri, e);
    }
  }

  /** The file system of a URI; local paths without Hadoop's checksum files. */
  public FileSystem fileSystem(String uri) throws IOException {
    FileSystem fs = new Path(uri).getFileSystem(hadoop);
    return fs instanceof LocalFileSystem local ? local.getRawFileSystem() : fs;
  }

  /** The configuration this lake was made of. */
  public Configuration hadoop() {
    return hadoop;
  }

  private FileStatus[] list(String uri) {
    try {
      FileSystem fs = fileSystem(uri);
      var path = new Path(uri);
      return fs.exists(path) ? fs.listStatus(path) : new FileStatus[0];
    } catch (IOException e) {
      throw LakeFailure.reading("folder", uri, e);
    }
  }

  /** Renames over an existing file: the local file system does, HDFS wants to be asked. */
  private void replace(FileSystem fs, Path from, Path to) throws IOException {
    if (!fs.rename(from, to)) {
      FileContext.getFileContext(fs.getUri(), hadoop).rename(from, to, Options.Rename.OVERWRITE);
    }
  }
}
