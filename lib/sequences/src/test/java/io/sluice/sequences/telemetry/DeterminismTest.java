package io.sluice.sequences.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One input and one set of settings give one dataset, to the byte. */
class DeterminismTest {
  private static final RawPlant PLANT = RawPlant.hourly(8, 3, 120);

  @TempDir Path folder;

  private record Snapshot(
      String manifest, Map<String, String> files, Map<String, Long> duplicates) {}

  @ParameterizedTest
  @ValueSource(
      strings = {
        "resample.gap-policy = interpolate, scaling { method = robust, scope = series }"
            + ", features.time-since-last = true",
        "source { layout = long, columns { series = unit, tag = tag, time = at, value = reading"
            + ", quality = flag, arrival = null } }, resample.aggregate = median"
      })
  void isAFunctionOfTheRowsAlone(String hocon) throws IOException {
    boolean isLong = hocon.contains("long");
    Path source = Files.createDirectory(folder.resolve("plant"));
    Build build = Build.of(PLANT, folder).source(source).with(hocon);

    write(PLANT, source, 1, isLong);
    Snapshot first = snapshot(build.with("dataset.partitions = 1"));
    write(PLANT.shuffled(1), source, 1, isLong);
    Snapshot reordered = snapshot(build.with("dataset.partitions = 3"));
    write(PLANT.shuffled(2), source, 5, isLong);
    Snapshot inFiveFiles = snapshot(build.with("dataset.partitions = 7"));

    assertThat(reordered).isEqualTo(first);
    assertThat(inFiveFiles.files()).isEqualTo(first.files());
    assertThat(inFiveFiles.duplicates()).isEqualTo(first.duplicates());
    // the fingerprint of the source says how many files there were, and is sealed with the rest
    assertThat(unsealed(inFiveFiles).replace("\"files\" : 5", "\"files\" : 1"))
        .isEqualTo(unsealed(first));
    assertThat(first.duplicates()).containsKeys("repeated", "conflicting");
  }

  private static String unsealed(Snapshot built) {
    return built.manifest().replaceFirst("\\s*\"seal\" : \"[0-9a-f]{64}\",", "");
  }

  private static Snapshot snapshot(Build build) {
    BuildReport report = build.run();
    return new Snapshot(build.manifestWithoutCreatedAt(), build.files(), report.duplicates());
  }

  private static void write(RawPlant plant, Path source, int files, boolean isLong)
      throws IOException {
    try (var old = Files.list(source)) {
      for (Path file : old.toList()) {
        Files.delete(file);
      }
    }
    for (int i = 0; i < files; i++) {
      int own = i;
      int[] n = {0};
      RawPlant share = plant.where(row -> n[0]++ % files == own);
      Path file = source.resolve("rows-" + i + ".csv");
      if (isLong) {
        share.longCsv(file);
      } else {
        share.wideCsv(file);
      }
    }
  }
}
