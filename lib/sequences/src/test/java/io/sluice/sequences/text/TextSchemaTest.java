package io.sluice.sequences.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is written is what data-schemas/ describes. */
class TextSchemaTest {
  private static final Path SCHEMAS = Path.of(System.getenv("SLUICE_ROOT"), "data-schemas");

  @TempDir Path folder;

  private static JsonSchema schema(String name) throws IOException {
    return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
        .getSchema(Files.readString(SCHEMAS.resolve(name)));
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void whatIsWrittenIsThatOfTheSchemas(Layout layout) throws IOException {
    TextBuild build = build(layout).with("dataset.incremental = true");

    build.run();

    assertIsOfSchema(
        build.dataset().resolve("manifest.json"),
        "text-sequences.v1.manifest.json",
        List.of("/contract/layout", "/parts/0/path", "/splits/train/tokens"));
    assertIsOfSchema(
        folder.resolve("dataset.tokens/index.json"),
        "text-tokens.v1.json",
        List.of("/generations/0/folder", "/generations/0/files/0/length", "/built/seal"));
  }

  private static void assertIsOfSchema(Path file, String name, List<String> paths)
      throws IOException {
    JsonSchema schema = schema(name);
    JsonNode tree = ManifestJson.mapper().readTree(file.toFile());
    assertThat(schema.validate(tree)).isEmpty();
    for (String path : paths) {
      JsonNode changed = tree.deepCopy();
      int slash = path.lastIndexOf('/');
      var parent = (ObjectNode) changed.at(path.substring(0, slash));
      parent.put(path.substring(slash + 1), "nonsense");
      assertThat(schema.validate(changed)).as(path).isNotEmpty();
      parent.remove(path.substring(slash + 1));
      assertThat(schema.validate(changed)).as("without " + path).isNotEmpty();
      parent.put("surprise", 1);
      assertThat(schema.validate(changed)).as("more in " + path).isNotEmpty();
    }
  }

  private TextBuild build(Layout layout) {
    TextBuild build = TextBuild.in(folder);
    return layout == Layout.STREAM
        ? build.text("t.txt", "a b\nc\n").with("dataset.layout = stream, text.line-end = \"|\"")
        : build.csv("label,text\nx,a b\ny,c\n").with("source.columns.label = label");
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void parquetColumnsAreThoseOfTheDescription(Layout layout) throws IOException {
    JsonNode description =
        ManifestJson.mapper().readTree(SCHEMAS.resolve("text-sequences.v1.json").toFile());

    assertThat(description.get("format").asText()).isEqualTo(TextManifest.FORMAT);
    var described = new ArrayList<String>();
    description
        .get("layouts")
        .get(layout == Layout.STREAM ? "stream" : "documents")
        .get("columns")
        .forEach(
            column ->
                described.add(
                    "%s %s %s"
                        .formatted(
                            column.get("name").asText(),
                            column.get("parquet").asText(),
                            column.get("nullable").asBoolean())));
    assertThat(
            PartWriter.schema(layout).getFields().stream()
                .map(
                    f ->
                        "%s %s %s"
                            .formatted(
                                f.getName(),
                                f.isPrimitive()
                                    ? f.asPrimitiveType()
                                        .getPrimitiveTypeName()
                                        .toString()
                                        .replace("BINARY", "BYTE_ARRAY (STRING)")
                                    : "LIST of INT32",
                                f.isRepetition(
                                    org.apache.parquet.schema.Type.Repetition.OPTIONAL))))
        .containsExactlyElementsOf(described);
  }

  @Test
  void theSchemaFileNamesEveryReason() throws IOException {
    JsonNode columns =
        ManifestJson.mapper().readTree(SCHEMAS.resolve("rejects.v1.json").toFile()).get("columns");
    var values = new ArrayList<String>();
    columns.get(1).get("textValues").forEach(value -> values.add(value.asText()));

    assertThat(values)
        .containsExactlyElementsOf(
            Arrays.stream(TextReject.values()).map(TextReject::label).toList());
  }
}
