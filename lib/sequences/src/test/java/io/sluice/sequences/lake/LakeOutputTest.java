package io.sluice.sequences.lake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LakeOutputTest {
  private static final int MORE_THAN_A_BUFFER = 100_000;

  @TempDir java.nio.file.Path folder;

  @Test
  void whatADiskSaysIsAnIoExceptionWhereverItIsSaid() throws IOException {
    assumeThat(java.nio.file.Path.of("/dev/full")).exists();
    FileSystem local = FileSystem.getLocal(new Configuration()).getRaw();
    var full = new Path("/dev/full");
    var some = new byte[MORE_THAN_A_BUFFER];

    assertThatThrownBy(() -> writeAndClose(local.create(full, true), some))
        .as("Hadoop's own stream")
        .isInstanceOf(FSError.class);
    assertThatThrownBy(() -> writeAndClose(Lake.create(local, full, true), some))
        .isInstanceOf(IOException.class)
        .hasMessage("No space left on device");
    assertThatThrownBy(() -> writeAndClose(Lake.create(local, full, true), new byte[] {1}))
        .as("that comes with the end of the file")
        .isInstanceOf(IOException.class);
    assertThatThrownBy(
            () -> {
              OutputStream out = Lake.create(local, full, true);
              out.write(1);
              out.flush();
            })
        .isInstanceOf(IOException.class);
  }

  private static void writeAndClose(OutputStream stream, byte[] bytes) throws IOException {
    try (OutputStream out = stream) {
      out.write(bytes);
    }
  }

  @Test
  void whatIsWrittenIsThere() throws IOException {
    FileSystem local = FileSystem.getLocal(new Configuration());
    java.nio.file.Path file = folder.resolve("file");

    try (OutputStream out = Lake.create(local, new Path(file.toUri()), false)) {
      out.write("some ".getBytes(StandardCharsets.UTF_8));
      out.write('t');
      out.flush();
    }

    assertThat(Files.readString(file)).isEqualTo("some t");
    assertThatThrownBy(() -> Lake.create(local, new Path(file.toUri()), false))
        .isInstanceOf(IOException.class);
  }
}
