package io.sluice.scoring.batch;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.config.ConfigReader;
import io.sluice.sequences.dataset.TimeAxis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** {@code data-schemas/predictions.v1.json}, held against the files of a table. */
final class PredictionsContract {
  private PredictionsContract() {}

  static void assertKept(SparkSession spark, Path table, TimeAxis.Type time) throws IOException {
    JsonNode contract =
        new ObjectMapper()
            .readTree(
                Path.of(System.getenv("SLUICE_ROOT"), "data-schemas/predictions.v1.json").toFile());
    List<String> files = columns(contract.get("columns"), time);
    List<String> folders = columns(contract.get("partitions"), time);

    assertThat(described(PredictionsSchema.fileColumns(time))).isEqualTo(files);
    var all = new ArrayList<>(files);
    all.addAll(folders);
    assertThat(described(PredictionsSchema.tableColumns(time))).isEqualTo(all);

    List<Path> written = parquetFiles(table);
    assertThat(written).isNotEmpty();
    for (Path file : written) {
      // what Spark makes of a file it knows nothing about
      assertThat(described(spark.read().parquet(file.toUri().toString()).schema()))
          .isEqualTo(files);
      assertThat(required(file)).isEqualTo(notNullable(contract.get("columns")));
      assertThat(table.relativize(file.getParent()).toString())
          .matches("model=[^/]+/date=(\\d{4}-\\d\\d-\\d\\d|\\d{10})");
    }
    JsonNode format = new ObjectMapper().readTree(table.resolve("_format.json").toFile());
    assertThat(format.get("format")).isEqualTo(contract.get("format"));
    assertThat(format.get("origin").asText()).isEqualTo(ConfigReader.kebab(time));
  }

  private static List<String> columns(JsonNode columns, TimeAxis.Type time) {
    var names = new ArrayList<String>();
    for (JsonNode column : columns) {
      JsonNode type = column.get("type");
      names.add(
          column.get("name").asText()
              + " "
              + (type.isTextual() ? type : type.get(ConfigReader.kebab(time))).asText());
    }
    return names;
  }

  private static List<String> notNullable(JsonNode columns) {
    var names = new ArrayList<String>();
    for (JsonNode column : columns) {
      if (!column.get("nullable").asBoolean()) {
        names.add(column.get("name").asText());
      }
    }
    return names;
  }

  private static List<String> described(StructType schema) {
    return Stream.of(schema.fields()).map(PredictionsContract::described).toList();
  }

  private static String described(StructField field) {
    return field.name() + " " + field.dataType().simpleString();
  }

  private static List<String> required(Path file) throws IOException {
    var input =
        HadoopInputFile.fromPath(new org.apache.hadoop.fs.Path(file.toUri()), new Configuration());
    try (var reader = ParquetFileReader.open(input)) {
      MessageType schema = reader.getFooter().getFileMetaData().getSchema();
      return schema.getFields().stream()
          .filter(f -> f.isRepetition(Type.Repetition.REQUIRED))
          .map(Type::getName)
          .toList();
    }
  }

  private static List<Path> parquetFiles(Path table) throws IOException {
    try (Stream<Path> paths = Files.walk(table)) {
      return paths.filter(p -> p.toString().endsWith(".parquet")).sorted().toList();
    }
  }
}
