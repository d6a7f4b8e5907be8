package io.sluice.scoring.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.scoring.SparkExtension;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowContract.Target;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.column.statistics.FloatStatistics;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What was written column by column, read row by row by Spark's readers. */
@ExtendWith(SparkExtension.class)
class PredictionFileTest {
  private static final RunColumns RUN =
      new RunColumns("m", 3, "ab".repeat(32), "run-1", Instant.parse("2024-06-01T00:00:00Z"));

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void forecastsOfManyPagesComeBackAsTheyWere(boolean vectorized, SparkSession spark)
      throws IOException {
    WindowContract contract = TestTable.forecast(TimeAxis.Type.TIMESTAMP);
    int windows = 20_000; // of 2 steps x 2 targets: three pages
    try (var file = file("forecasts.parquet", contract)) {
      for (int w = 0; w < windows; w++) {
        float[] values = {w, -w, 0.5f * w, 7};
        file.add(name(w), w, values, null, values, null, null);
      }
      file.finish();
    }

    spark.conf().set("spark.sql.parquet.enableVectorizedReader", vectorized);
    try {
      List<Row> rows =
          spark
              .read()
              .parquet(uri("forecasts.parquet"))
              .selectExpr(
                  "series",
                  "unix_micros(origin)",
                  "horizon_step",
                  "target",
                  "prediction",
                  "lower",
                  "upper",
                  "class_probabilities",
                  "predicted_class",
                  "model_version",
                  "run_id")
              .collectAsList();
      assertThat(rows).hasSize(4 * windows);
      for (int w = 0; w < windows; w += 777) {
        String head = "unit-%d,%d,".formatted(w / 1000, w);
        String tail = ",null,null,3,run-1]";
        assertThat(rows.subList(4 * w, 4 * w + 4))
            .extracting(Row::toString)
            .containsExactly(
                "[%s1,a,%s,null,%s%s".formatted(head, (float) w, (float) w, tail),
                "[%s1,b,%s,null,%s%s".formatted(head, (float) -w, (float) -w, tail),
                "[%s2,a,%s,null,%s%s".formatted(head, 0.5f * w, 0.5f * w, tail),
                "[%s2,b,7.0,null,7.0%s".formatted(head, tail));
      }
    } finally {
      spark.conf().unset("spark.sql.parquet.enableVectorizedReader");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void classesComeBackAsTheyWere(boolean vectorized, SparkSession spark) throws IOException {
    var target = new Target(TargetType.CLASS, List.of(), List.of("run", "idle", "stop"), 0, 0);
    WindowContract contract = TestTable.contract(TimeAxis.Type.ORDINAL, target, 0);
    int windows = 40_000; // two pages
    try (var file = file("classes.parquet", contract)) {
      for (int w = 0; w < windows; w++) {
        float[] probabilities = {w, 1, 2};
        Binary likeliest = Binary.fromString(target.classes().get(w % 3));
        file.add(name(w), w, null, null, null, probabilities, likeliest);
      }
      file.finish();
    }

    spark.conf().set("spark.sql.parquet.enableVectorizedReader", vectorized);
    try {
      List<Row> rows =
          spark
              .read()
              .parquet(uri("classes.parquet"))
              .selectExpr(
                  "series",
                  "origin",
                  "horizon_step",
                  "target",
                  "prediction",
                  "to_json(class_probabilities)",
                  "predicted_class")
              .collectAsList();
      assertThat(rows).hasSize(windows);
      for (int w = 0; w < windows; w += 777) {
        assertThat(rows.get(w))
            .hasToString(
                "[unit-%d,%d,0,class,null,[%s,1.0,2.0],%s]"
                    .formatted(w / 1000, w, (float) w, target.classes().get(w % 3)));
      }
    } finally {
      spark.conf().unset("spark.sql.parquet.enableVectorizedReader");
    }
  }

  @Test
  void aReaderCanSkipByTheStatistics() throws IOException {
    WindowContract contract = TestTable.forecast(TimeAxis.Type.TIMESTAMP);
    try (var file = file("statistics.parquet", contract)) {
      file.add(name(2000), 5, new float[] {3, -2, 0, 1}, null, null, null, null);
      file.add(name(9000), 6, new float[] {4, 1, 0, 1}, null, null, null, null);
      file.finish();
    }

    try (var reader =
        ParquetFileReader.open(
            HadoopInputFile.fromPath(
                new org.apache.hadoop.fs.Path(uri("statistics.parquet")), new Configuration()))) {
      BlockMetaData group = reader.getFooter().getBlocks().get(0);
      var series = group.getColumns().get(0).getStatistics();
      assertThat(series.minAsString() + " " + series.maxAsString()).isEqualTo("unit-2 unit-9");
      var prediction = (FloatStatistics) group.getColumns().get(4).getStatistics();
      assertThat(prediction.getMin()).isEqualTo(-2);
      assertThat(prediction.getMax()).isEqualTo(4);
      assertThat(group.getColumns().get(5).getStatistics().getNumNulls()).isEqualTo(8);
    }
  }

  @Test
  void aColumnThatIsNullInSomeWindowsOnlyIsRefused() throws IOException {
    try (var file = file("mixed.parquet", TestTable.forecast(TimeAxis.Type.TIMESTAMP))) {
      file.add(name(0), 1, new float[4], null, null, null, null);
      file.add(name(0), 2, new float[4], new float[4], null, null, null);

      assertThatThrownBy(file::finish)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("lower is null in 4 rows of 8, expected in none or all");
      assertThatThrownBy(() -> file.add(name(0), 3, new float[3], null, null, null, null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("prediction has 3 numbers for 4 rows, expected 1 a row");
    }
  }

  private PredictionFile file(String name, WindowContract contract) throws IOException {
    return new PredictionFile(
        new org.apache.hadoop.fs.Path(uri(name)), new Configuration(), "zstd", contract, RUN);
  }

  private String uri(String name) {
    return folder.resolve(name).toUri().toString();
  }

  private static Binary name(int window) {
    return Binary.fromString("unit-" + window / 1000);
  }
}
