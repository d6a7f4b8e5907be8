package io.sluice.scoring.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.OperationFailedException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportFileTest {
  private static final Configuration HADOOP = new Configuration();

  @TempDir Path folder;

  private void replace(ReportFile.Content content) {
    var file = new org.apache.hadoop.fs.Path(folder.resolve("runs/index.html").toUri());
    ReportFile.replace(file, HADOOP, content);
  }

  @Test
  void anOlderFileStaysUntilTheNewOneIsWhole() throws IOException {
    Path page = folder.resolve("runs/index.html");
    replace(writer -> writer.write("<p>größer"));
    assertThat(page).usingCharset(StandardCharsets.UTF_8).hasContent("<p>größer");

    assertThatThrownBy(
            () ->
                replace(
                    writer -> {
                      writer.write("half of a");
                      writer.flush();
                      throw new IllegalStateException("the template is broken");
                    }))
        .hasMessage("the template is broken");
    assertThatThrownBy(
            () ->
                replace(
                    writer -> {
                      throw new IOException("No space left on device");
                    }))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageEndingWith(
            "index.html: No space left on device. Check evaluate.output, free space and access to it.");

    assertThat(page).usingCharset(StandardCharsets.UTF_8).hasContent("<p>größer");
    replace(writer -> writer.write("<p>new"));
    assertThat(page).hasContent("<p>new");
    try (var files = Files.list(page.getParent())) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .noneMatch(name -> name.contains("staged"));
    }
  }
}
