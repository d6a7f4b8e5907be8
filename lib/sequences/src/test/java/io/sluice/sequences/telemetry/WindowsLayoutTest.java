package io.sluice.sequences.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.SparkExtension;
import io.sluice.sequences.dataset.Split;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One row a window holds the windows that segments hold. */
class WindowsLayoutTest {
  private static final RawPlant PLANT = RawPlant.hourly(9, 2, 100);

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "features.channels = [temp, flow], target.channels = [pressure, temp]"
            + ", resample.gap-policy = mask, features.masks = true",
        "window { horizon = 0, stride = 2 }, target { type = class, label = state }"
      })
  void holdsTheWindowsOfTheReference(String hocon) {
    Build build = Build.of(PLANT, folder).with(hocon).with("dataset.layout = windows");
    var reference = TelemetryReference.of(build.settings(), PLANT);

    build.run();

    assertThat(build.manifest().layout()).isEqualTo("windows");
    for (Split split : Split.values()) {
      List<String> expected =
          reference.windows(split).stream().map(w -> expected(w, build)).toList();
      List<String> written =
          SparkExtension.session()
              .read()
              .parquet(build.dataset().resolve("split=" + split.label()).toString())
              .orderBy("series", "origin")
              .collectAsList()
              .stream()
              .map(row -> written(row, build))
              .toList();
      assertThat(written).isEqualTo(expected).isNotEmpty();
      assertThat(build.manifest().splits().get(split.label()).windows()).isEqualTo(expected.size());
    }
  }

  private static String expected(TelemetryReference.Window window, Build build) {
    var values = new ArrayList<>(window.inputs());
    values.addAll(window.targets());
    return "%s %s %s %s"
        .formatted(
            window.series(),
            Instant.ofEpochSecond(window.origin() / 1_000_000),
            values,
            build.manifest().contract().storesLabel() ? window.label() : "");
  }

  private static String written(Row row, Build build) {
    var contract = build.manifest().contract();
    var values = new ArrayList<List<Float>>();
    contract.inputs().forEach(c -> values.add(floats(row, "input__" + c)));
    contract.target().channels().forEach(c -> values.add(floats(row, "target__" + c)));
    return "%s %s %s %s"
        .formatted(
            row.<String>getAs("series"),
            row.<java.sql.Timestamp>getAs("origin").toInstant(),
            values,
            contract.storesLabel() ? row.<Float>getAs("label") : "");
  }

  private static List<Float> floats(Row row, String column) {
    return row.<Float>getList(row.fieldIndex(column)).stream()
        .map(v -> v == null ? Float.valueOf(Float.NaN) : v)
        .toList();
  }
}
