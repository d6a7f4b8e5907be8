package io.sluice.sequences.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.sluice.failure.ExitStatus;
import io.sluice.failure.UserFailure;
import io.sluice.sequences.SparkExtension;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.spark.sql.Dataset;

/** Builds that must fail with one message and an exit status, and bad files to make them. */
final class Refusals {
  private Refusals() {}

  /**
   * Runs a build and checks that it is refused and leaves no dataset, lock or half of one.
   *
   * @param message in full; FOLDER stands for the test's folder, BYTES for those Parquet found
   */
  static void assertRefused(Path folder, Build build, ExitStatus status, String message) {
    Throwable failure = catchThrowable(build::run);

    assertThat(failure).as("failure of the build").isInstanceOf(UserFailure.class);
    assertThat(
            failure
                .getMessage()
                .replace(folder.toString(), "FOLDER")
                .replaceAll("found \\[[-0-9, ]+]", "found BYTES"))
        .isEqualTo(message);
    assertThat(((UserFailure) failure).exitStatus()).isEqualTo(status);
    assertThat(leftBeside(folder)).isEmpty();
  }

  /** What builds leave in a folder: dataset, locks, staged and old folders; not the rejects. */
  static List<String> leftBeside(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("dataset") && !name.equals("dataset.rejects"))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Hourly rows, each with one more column of the same text; the header names it. */
  static String[] withColumn(String[] rows, String name, String value) {
    String[] wider = rows.clone();
    for (int i = 0; i < wider.length; i++) {
      wider[i] += "," + (i == 0 ? name : value);
    }
    return wider;
  }

  /** 200 hourly readings from SQL: {@code id} is the hour's number, {@code time} its time. */
  static Dataset<?> readings(String... columns) {
    return readings(0, 200, columns);
  }

  static Dataset<?> readings(int from, int to, String... columns) {
    return SparkExtension.session()
        .range(from, to, 1, 1)
        .selectExpr("id", "timestamp_seconds(1704067200 + id * 3600) as time")
        .selectExpr(columns);
  }

  /** Writes one Parquet file. */
  static Path parquet(Path file, Dataset<?> rows) {
    return only(file, rows, "parquet");
  }

  /** Writes one file of a format. */
  static Path only(Path file, Dataset<?> rows, String format) {
    Path parts = file.resolveSibling(file.getFileName() + ".parts");
    rows.write().format(format).save(parts.toString());
    try (Stream<Path> files = Files.list(parts)) {
      Path part =
          files
              .filter(f -> f.getFileName().toString().startsWith("part-"))
              .findFirst()
              .orElseThrow();
      Files.move(part, file);
      for (Path rest : Files.list(parts).toList()) {
        Files.delete(rest);
      }
      Files.delete(parts);
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes rows as gzip. */
  static Path gzip(Path file, String... rows) {
    try {
      Files.createDirectories(file.getParent());
      try (var out = new GZIPOutputStream(Files.newOutputStream(file))) {
        out.write(
            (String.join("\n", rows) + "\n").getBytes(java.nio.charset.StandardCharsets.UTF_8));
      }
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Keeps the first share of a file's bytes. */
  static Path cutOff(Path file, double share) {
    try {
      byte[] all = Files.readAllBytes(file);
      return Files.write(file, Arrays.copyOf(all, (int) (all.length * share)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Flips bits of 40 bytes at a share of a file. */
  static Path scribbleOn(Path file, double share) {
    try {
      byte[] all = Files.readAllBytes(file);
      int from = (int) (all.length * share);
      for (int i = from; i < from + 40; i++) {
        all[i] ^= 0x5a;
      }
      return Files.write(file, all);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
