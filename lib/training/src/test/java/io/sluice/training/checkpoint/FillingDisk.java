package io.sluice.training.checkpoint;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * The local disk under {@code filling:/…}, which can be full for a while: checkpoints are cut short
 * then, in the words of Linux.
 */
public final class FillingDisk extends RawLocalFileSystem {
  private static final int BYTES_LEFT = 100;

  /** Files with this in their names are cut short; null is none. */
  private static volatile String full;

  /** A configuration that knows {@code filling:/…}, with room for now. */
  public static Configuration configuration() {
    full = null;
    var conf = new Configuration();
    conf.setClass("fs.filling.impl", FillingDisk.class, RawLocalFileSystem.class);
    return conf;
  }

  /** From now on, for all of this process. */
  public static void setFull(boolean isFull) {
    full = isFull ? ".checkpoint" : null;
  }

  /**
   * From now on, for parts of checkpoints that a pipeline stage writes: its disk is another one.
   */
  public static void setFullFor(int stage) {
    full = ".part-" + stage;
  }

  @Override
  public URI getUri() {
    return URI.create("filling:///");
  }

  @Override
  public FSDataOutputStream create(
      Path path, boolean overwrite, int buffer, short copies, long block, Progressable progress)
      throws IOException {
    return limited(path, super.create(path, overwrite, buffer, copies, block, progress));
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      FsPermission permission,
      boolean overwrite,
      int buffer,
      short copies,
      long block,
      Progressable progress)
      throws IOException {
    return limited(
        path, super.create(path, permission, overwrite, buffer, copies, block, progress));
  }

  private static FSDataOutputStream limited(Path path, FSDataOutputStream out) throws IOException {
    String those = full;
    if (those == null || !path.getName().contains(those)) {
      return out;
    }
    return new FSDataOutputStream(
        new OutputStream() {
          private int left = BYTES_LEFT;

          @Override
          public void write(int b) throws IOException {
            if (left-- == 0) {
              throw new IOException("No space left on device");
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
}
