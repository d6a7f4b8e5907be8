package io.sluice.sequences.lake;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.security.AccessControlException;
import org.apache.hadoop.util.Progressable;

/**
 * The local disk under {@code troubled:/…}, with one trouble at a time: root ignores permissions
 * and a test cannot fill a disk, so both are played.
 */
public final class TroubledFileSystem extends RawLocalFileSystem {
  /** What goes wrong. */
  public enum Trouble {
    NONE,
    /** Writing fails after some bytes, in the words of Linux. */
    DISK_IS_FULL,
    /**
     * Writing goes to /dev/full: the failure is the operating system's own, as Hadoop throws it.
     */
    DEV_FULL,
    /** HDFS says so when no data node has room. */
    NO_DATA_NODE_HAS_ROOM,
    WRITES_ARE_FORBIDDEN,
    READS_ARE_FORBIDDEN,
    /** Renames answer false, which is Hadoop's way of saying no. */
    RENAMES_ARE_REFUSED,
    /** The second rename of a publish blocks for ever, having said so on standard output. */
    STOPS_BETWEEN_RENAMES
  }

  private static final String TROUBLE = "troubled.trouble";
  private static final String FILES = "troubled.files";
  private Trouble trouble = Trouble.NONE;
  private String files = "";

  /** A configuration under which {@code troubled:/…} has this trouble. */
  public static Configuration with(Trouble trouble) {
    return with(trouble, "");
  }

  /**
   * The same.
   *
   * @param files only writes to paths with this in them are troubled
   */
  public static Configuration with(Trouble trouble, String files) {
    var conf = new Configuration();
    conf.setClass("fs.troubled.impl", TroubledFileSystem.class, RawLocalFileSystem.class);
    conf.setBoolean("fs.troubled.impl.disable.cache", true);
    conf.set(TROUBLE, trouble.name());
    conf.set(FILES, files);
    return conf;
  }

  @Override
  public void initialize(URI uri, Configuration conf) throws IOException {
    super.initialize(uri, conf);
    trouble = Trouble.valueOf(conf.get(TROUBLE, Trouble.NONE.name()));
    files = conf.get(FILES, "");
  }

  @Override
  public URI getUri() {
    return URI.create("troubled:///");
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    return troubled(
        path, super.create(path, overwrite, bufferSize, replication, blockSize, progress));
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      FsPermission permission,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    return troubled(
        path,
        super.create(path, permission, overwrite, bufferSize, replication, blockSize, progress));
  }

  private FSDataOutputStream troubled(Path path, FSDataOutputStream out) throws IOException {
    if (!path.toString().contains(files)) {
      return out;
    }
    return switch (trouble) {
      case DISK_IS_FULL -> failing(out, "No space left on device");
      case NO_DATA_NODE_HAS_ROOM ->
          failing(
              out, "File " + path + " could only be written to 0 of the 1 minReplication nodes");
      case DEV_FULL -> {
        out.close();
        yield super.create(new Path("/dev/full"), true, 4096, (short) 1, 1L << 20, null);
      }
      case WRITES_ARE_FORBIDDEN -> {
        out.close();
        throw new AccessControlException("Permission denied: user=plant, access=WRITE");
      }
      default -> out;
    };
  }

  private static FSDataOutputStream failing(OutputStream out, String reason) throws IOException {
    return new FSDataOutputStream(
        new OutputStream() {
          private int left = 10;

          @Override
          public void write(int b) throws IOException {
            if (left-- == 0) {
              throw new IOException(reason);
            }
            out.write(b);
          }

          @Override
          public void close() throws IOException {
            out.close();
          }
        },
        null);
  }

  @Override
  public FSDataInputStream open(Path path, int bufferSize) throws IOException {
    if (trouble == Trouble.READS_ARE_FORBIDDEN) {
      // as java.io says it for a local file
      throw new FileNotFoundException(path.toUri().getPath() + " (Permission denied)");
    }
    return super.open(path, bufferSize);
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    if (trouble == Trouble.READS_ARE_FORBIDDEN) {
      throw new AccessControlException("Permission denied: user=plant, access=READ_EXECUTE");
    }
    return super.listStatus(path);
  }

  @Override
  public boolean mkdirs(Path path) throws IOException {
    if (trouble == Trouble.WRITES_ARE_FORBIDDEN
        && path.toString().contains(files)
        && !exists(path)) {
      throw new AccessControlException("Permission denied: user=plant, access=WRITE");
    }
    return super.mkdirs(path);
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    if (trouble == Trouble.RENAMES_ARE_REFUSED) {
      return false;
    }
    if (trouble == Trouble.STOPS_BETWEEN_RENAMES && from.getName().contains(".staging-")) {
      System.out.println("between the renames");
      System.out.flush();
      try {
        Thread.sleep(Long.MAX_VALUE);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    return super.rename(from, to);
  }
}
