package io.sluice.sequences.lake;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import org.apache.hadoop.fs.FSError;

/**
 * A file that is being written. Hadoop's local file system throws what a disk says, that it is full
 * for one, as an {@link FSError}, which no {@code catch} of an I/O failure sees; here it is an
 * {@link IOException} again.
 */
final class LakeOutput extends FilterOutputStream {

  LakeOutput(OutputStream out) {
    super(out);
  }

  @FunctionalInterface
  private interface Write {
    void run() throws IOException;
  }

  private static void attempt(Write write) throws IOException {
    try {
      write.run();
    } catch (FSError e) {
      throw e.getCause() instanceof IOException cause ? cause : new IOException(e);
    }
  }

  @Override
  public void write(int b) throws IOException {
    attempt(() -> out.write(b));
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    attempt(() -> out.write(bytes, offset, length));
  }

  @Override
  public void flush() throws IOException {
    attempt(out::flush);
  }

  @Override
  public void close() throws IOException {
    attempt(out::close);
  }
}
