package io.sluice.sequences.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.schema.MessageType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ManifestJsonTest {
  private static final Path SCHEMAS = Path.of(System.getenv("SLUICE_ROOT"), "data-schemas");
  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(TargetType.class)
  void readsBackWhatItWrote(TargetType type) throws IOException {
    String text = manifestText(tiny(type));

    SequenceManifest manifest = ManifestJson.read(text, "manifest.json");

    assertThat(ManifestJson.write(manifest)).isEqualTo(text);
    assertThat(manifest.contract()).isEqualTo(tiny(type).contract());
  }

  @Test
  void equalContentGivesEqualBytesWhateverTheOrderOfKeys() throws IOException {
    SequenceManifest manifest =
        ManifestJson.read(manifestText(TinyDataset.forecast()), "manifest.json");
    ObjectNode preparation = ManifestJson.mapper().createObjectNode();
    preparation.put("b", 1).putObject("a").put("z", 0.1).put("y", "é");
    ObjectNode other = ManifestJson.mapper().createObjectNode();
    other.putObject("a").put("y", "é").put("z", 0.1);
    other.put("b", 1);

    String one = ManifestJson.write(with(manifest, preparation, Map.of("x", 1L, "a", 2L)));
    String two = ManifestJson.write(with(manifest, other, new TreeMap<>(Map.of("a", 2L, "x", 1L))));

    assertThat(one).isEqualTo(two).endsWith("}\n").doesNotContain("\r");
  }

  @Test
  void textIsAsAPersonWouldWriteIt() {
    assertThat(ManifestJson.write(TinyDataset.remainingLife().contract().target()))
        .isEqualTo(
            """
            {
              "cap" : 125,
              "channels" : [ ],
              "classes" : [ ],
              "leadSteps" : 0,
              "type" : "remaining-life"
            }
            """);
  }

  @Test
  void numbersThatJsonLacksSurvive() {
    var scaler = new Scaler(Double.NaN, Double.POSITIVE_INFINITY, 0);

    String text = ManifestJson.write(scaler);

    assertThat(text).contains("\"center\" : \"NaN\"").contains("\"scale\" : \"Infinity\"");
    assertThat(read(text, Scaler.class)).isEqualTo(scaler);
    assertThat(ManifestJson.write(new Scaler(2e23, 1.0E-5, 3))).contains("2.0E23");
  }

  @ParameterizedTest
  @EnumSource(TargetType.class)
  void manifestsKeepToTheirSchema(TargetType type) throws IOException {
    JsonNode manifest = ManifestJson.mapper().readTree(manifestText(tiny(type)));

    assertThat(schema().validate(manifest)).isEmpty();
  }

  @Test
  void theSchemaIsNoRubberStamp() throws IOException {
    JsonNode manifest = ManifestJson.mapper().readTree(manifestText(TinyDataset.forecast()));

    for (String path :
        List.of("/contract/target/type", "/contract/time/stepTicks", "/parts/0/path", "/audit")) {
      JsonNode changed = manifest.deepCopy();
      int slash = path.lastIndexOf('/');
      var parent = (ObjectNode) changed.at(path.substring(0, slash));
      parent.put(path.substring(slash + 1), "nonsense");
      assertThat(schema().validate(changed)).as(path).isNotEmpty();
      parent.remove(path.substring(slash + 1));
      assertThat(schema().validate(changed)).as("without " + path).isNotEmpty();
      parent.put("surprise", 1);
    }
  }

  /** The written Parquet columns, by name and type, are those of data-schemas/sequences.v1.json. */
  @ParameterizedTest
  @EnumSource(TargetType.class)
  void parquetColumnsAreThoseOfTheDescription(TargetType type) throws IOException {
    TinyDataset tiny = tiny(type);
    WindowContract contract = tiny.contract();
    String uri = tiny.write(folder);
    SequenceDataset dataset = SequenceDataset.open(uri, new Configuration());
    String part = dataset.uri() + "/" + dataset.parts(Split.TRAIN).get(0).path();
    JsonNode description =
        ManifestJson.mapper().readTree(SCHEMAS.resolve("sequences.v1.json").toFile());

    MessageType schema;
    try (var reader =
        ParquetFileReader.open(
            HadoopInputFile.fromPath(new org.apache.hadoop.fs.Path(part), new Configuration()))) {
      schema = reader.getFileMetaData().getSchema();
    }

    assertThat(description.get("format").asText()).isEqualTo(SequenceManifest.FORMAT);
    assertThat(schema.getFields().stream().map(f -> f.getName() + " " + typeOf(f.toString())))
        .containsExactlyElementsOf(describedColumns(description, contract));
    assertThat(schema.getFields().stream().map(f -> f.getName()))
        .containsExactlyElementsOf(SegmentColumns.of(contract));
  }

  @Test
  void refusesAnotherFormatVersion() throws IOException {
    String text =
        manifestText(TinyDataset.forecast())
            .replace("\"format\" : \"sequences.v1\"", "\"format\" : \"sequences.v9\"");

    assertThatThrownBy(() -> ManifestJson.read(text, "hdfs://lake/etth1/manifest.json"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "hdfs://lake/etth1/manifest.json has format sequences.v9; this version reads"
                + " sequences.v1. Rebuild the dataset with build-sequences, or read it with the"
                + " version of Sluice that wrote it (0.1.0-SNAPSHOT).");
  }

  @Test
  void refusesWhatIsNoManifest() throws IOException {
    String text = manifestText(TinyDataset.forecast());

    assertThatThrownBy(() -> ManifestJson.read("", "m.json"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "m.json holds no JSON object (0 characters). Rebuild the dataset with build-sequences.");
    assertThatThrownBy(() -> ManifestJson.read(text.substring(0, text.length() / 2), "m.json"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("m.json is not JSON: ")
        .hasMessageEndingWith("Rebuild the dataset with build-sequences.");
    assertThatThrownBy(() -> ManifestJson.read("{\"a\": 1}", "m.json"))
        .hasMessageStartingWith("m.json has format (none); this version reads sequences.v1.");
  }

  @Test
  void namesTheFieldThatDoesNotFit() throws IOException {
    String text = manifestText(TinyDataset.forecast());

    assertThatThrownBy(
            () -> ManifestJson.read(text.replace("\"lookBack\"", "\"lockBack\""), "m.json"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "m.json does not fit its format: Missing creator property 'lookBack' (at"
                + " contract.lookBack). Rebuild it with the job that wrote it.");
    assertThatThrownBy(
            () ->
                ManifestJson.read(text.replace("\"masks\"", "\"tasks\" : 1, \"masks\""), "m.json"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("m.json does not fit its format: Unrecognized field \"tasks\"")
        .hasMessageContaining("(at contract.tasks)");
    assertThatThrownBy(
            () ->
                ManifestJson.read(
                    text.replace("\"type\" : \"forecast\"", "\"type\" : \"prophecy\""), "m.json"))
        .hasMessageContaining("must be one of [forecast, class, event, remaining-life]")
        .hasMessageContaining("(at contract.target.type)");
    assertThatThrownBy(
            () ->
                ManifestJson.read(
                    text.replaceFirst("\"windows\" : \\d+", "\"windows\" : null"), "m.json"))
        .hasMessageContaining("windows");
  }

  private static List<String> describedColumns(JsonNode description, WindowContract contract) {
    var columns = new ArrayList<String>();
    for (JsonNode column : description.get("columns")) {
      String name = column.get("name").asText();
      String type = " " + column.get("parquet").asText();
      boolean timestamp = contract.time().type() == TimeAxis.Type.TIMESTAMP;
      switch (name) {
        case "<channel>" -> contract.channels().forEach(c -> columns.add(c + type));
        case "age__<channel>" -> {
          if (contract.storesAges()) {
            contract.inputs().forEach(c -> columns.add("age__" + c + type));
          }
        }
        case "time" -> {
          if (column.get("when").asText().endsWith("timestamp") == timestamp) {
            columns.add(name + type);
          }
        }
        case "label" -> {
          if (contract.storesLabel()) {
            columns.add(name + type);
          }
        }
        default -> columns.add(name + type);
      }
    }
    return columns;
  }

  /** "optional int64 time (TIMESTAMP(MICROS,true))" in the description's words. */
  private static String typeOf(String field) {
    if (field.contains("TIMESTAMP(MICROS,true)")) {
      return "INT64 (TIMESTAMP, microseconds, UTC)";
    }
    if (field.contains("INTEGER(16,true)")) {
      return "INT32 (INT 16, signed)";
    }
    return switch (field.split(" ")[1]) {
      case "binary" -> "BYTE_ARRAY (STRING)";
      default -> field.split(" ")[1].toUpperCase(java.util.Locale.ROOT);
    };
  }

  private static TinyDataset tiny(TargetType type) {
    return switch (type) {
      case FORECAST ->
          TinyDataset.forecast()
              .scalersBySeries()
              .calendar(WindowContract.Calendar.HOUR_OF_DAY)
              .knownFuture("load");
      case CLASS -> TinyDataset.classes().masks();
      case EVENT -> TinyDataset.event().ordinal().timeSinceLast().inputs("temperature");
      case REMAINING_LIFE -> TinyDataset.remainingLife().withoutAudit();
    };
  }

  private String manifestText(TinyDataset tiny) throws IOException {
    tiny.write(folder);
    return Files.readString(folder.resolve(SequenceManifest.FILE_NAME));
  }

  private static JsonSchema schema() throws IOException {
    return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
        .getSchema(Files.readString(SCHEMAS.resolve("sequences.v1.manifest.json")));
  }

  private static <T> T read(String text, Class<T> type) {
    try {
      return ManifestJson.convert(ManifestJson.mapper().readTree(text), type, "test");
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static SequenceManifest with(
      SequenceManifest m, JsonNode preparation, Map<String, Long> rejected) {
    return new SequenceManifest(
        m.format(),
        m.name(),
        m.layout(),
        m.contract(),
        preparation,
        m.splits(),
        m.splitBounds(),
        m.embargoSteps(),
        m.parts(),
        m.source(),
        rejected,
        m.droppedWindows(),
        m.droppedByPeriod(),
        m.configHash(),
        m.codeVersion(),
        m.createdAt(),
        m.audit(),
        m.seal());
  }
}
