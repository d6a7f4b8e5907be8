package io.sluice.scoring.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.dataset.TinyDataset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BundleManifestTest {
  private static final Path SCHEMA =
      Path.of(System.getenv("SLUICE_ROOT"), "data-schemas", "model-bundle.v1.json");
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;
  private int datasets;

  @Test
  void writtenManifestsFitTheSchemaAndComeBack() throws Exception {
    JsonSchema schema = schema();
    for (BundleFixture fixture :
        List.of(
            fixture(TinyDataset.forecast(), Head.regression(12), ModelSpec.Output.LAST),
            fixture(
                TinyDataset.forecast(),
                Head.quantiles(12, List.of(0.1, 0.9)),
                ModelSpec.Output.SEQUENCE),
            fixture(
                TinyDataset.classes(),
                Head.classes(3, List.of(1.0, 2.0, 3.0)),
                ModelSpec.Output.LAST),
            fixture(TinyDataset.remainingLife(), Head.regression(1), ModelSpec.Output.LAST))) {
      JsonNode manifest = published(fixture, Optional.empty());

      assertThat(schema.validate(manifest)).isEmpty();
      assertThat(BundleJson.read(JSON.writeValueAsBytes(manifest), "manifest.json").spec())
          .isEqualTo(fixture.spec());
    }
  }

  @Test
  void residualQuantilesComeBackAsTheyWere() throws Exception {
    BundleFixture fixture =
        fixture(TinyDataset.forecast(), Head.regression(12), ModelSpec.Output.LAST);
    var residuals =
        new ResidualQuantiles(6, 2, List.of(0.1, 0.9), 77, Collections.nCopies(24, -0.1f));

    JsonNode manifest = published(fixture, Optional.of(residuals));

    assertThat(schema().validate(manifest)).isEmpty();
    assertThat(
            BundleJson.read(JSON.writeValueAsBytes(manifest), "manifest.json").residualQuantiles())
        .isEqualTo(residuals);
  }

  @Test
  void theAlarmThresholdComesBackAndOlderBundlesHaveNone() throws Exception {
    BundleFixture fixture =
        fixture(TinyDataset.event(), Head.classes(2, List.of()), ModelSpec.Output.LAST);
    for (Double limit : new Double[] {0.03, null}) {
      var alarm = new AlarmThreshold(0.25f, limit, 0.9, 0.02, 70);

      JsonNode manifest =
          published(fixture, fixture.contents(Optional.empty()).with(Optional.of(alarm)));

      assertThat(schema().validate(manifest)).isEmpty();
      assertThat(
              BundleJson.read(JSON.writeValueAsBytes(manifest), "manifest.json").alarmThreshold())
          .isEqualTo(alarm);
    }
    JsonNode older = published(fixture, Optional.empty());
    assertThat(older.has("alarmThreshold")).isFalse();
    assertThat(BundleJson.read(JSON.writeValueAsBytes(older), "manifest.json").alarmThreshold())
        .isNull();
  }

  @Test
  void schemaRefusesWhatNoBundleHas() throws Exception {
    JsonNode manifest =
        published(
            fixture(TinyDataset.forecast(), Head.regression(12), ModelSpec.Output.LAST),
            Optional.empty());

    assertRefused(manifest, m -> m.put("format", "model-bundle.v2"));
    assertRefused(manifest, m -> m.put("version", 0));
    assertRefused(manifest, m -> m.remove("contract"));
    assertRefused(manifest, m -> m.put("password", "x"));
    assertRefused(manifest, m -> ((ObjectNode) m.get("spec")).put("cell", "hopfield"));
    assertRefused(manifest, m -> ((ObjectNode) m.at("/spec/attention")).put("kind", "hopfield"));
    assertRefused(manifest, m -> ((ObjectNode) m.get("files")).remove("model.zip"));
    assertRefused(manifest, m -> ((ObjectNode) m.at("/files/model.zip")).put("sha256", "ab"));
  }

  private static void assertRefused(JsonNode manifest, Consumer<ObjectNode> change)
      throws Exception {
    ObjectNode changed = manifest.deepCopy();
    change.accept(changed);
    assertThat(schema().validate(changed)).isNotEmpty();
  }

  private BundleFixture fixture(TinyDataset tiny, Head head, ModelSpec.Output output) {
    return BundleFixture.of(tiny.days(20), folder.resolve("dataset-" + datasets++), head, output);
  }

  private JsonNode published(BundleFixture fixture, Optional<ResidualQuantiles> residuals)
      throws Exception {
    return published(fixture, fixture.contents(residuals));
  }

  private JsonNode published(BundleFixture fixture, BundleContents contents) throws Exception {
    PublishedBundle bundle =
        BundlePublisher.publish(
            folder.resolve("models").toString(),
            "pump",
            Optional.empty(),
            fixture.network(),
            contents,
            BundleFixture.HADOOP);
    return JSON.readTree(
        Files.readAllBytes(Path.of(java.net.URI.create(bundle.uri())).resolve("manifest.json")));
  }

  private static JsonSchema schema() throws Exception {
    return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
        .getSchema(JSON.readTree(Files.readAllBytes(SCHEMA)));
  }
}
