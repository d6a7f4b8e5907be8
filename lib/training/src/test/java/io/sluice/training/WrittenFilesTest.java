package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a run leaves behind fits {@code data-schemas}. */
class WrittenFilesTest {
  @TempDir Path folder;
  private TrainerRun run;

  @BeforeEach
  void open() {
    run = new TrainerRun(folder, null);
  }

  @ParameterizedTest
  @ValueSource(strings = {"adam", "sgd"})
  void theHeaderOfACheckpointFitsItsSchema(String optimizer) throws IOException {
    TrainReport report =
        run.train(
            new SineWindows(64, 16).learnable(),
            "train.optimizer=" + optimizer,
            "model.quantiles=[0.1,0.9]",
            "train.epochs=1");

    JsonNode header = run.checkpointHeader(report);

    assertThat(schema("checkpoint.v2").validate(header)).isEmpty();
    assertThat(header.get("parameters").asLong()).isEqualTo(report.parameters());
    assertThat(header.get("optimizer").asLong())
        .isEqualTo(optimizer.equals("sgd") ? 0 : 2 * report.parameters());
    assertThat(header.at("/settings/model.quantiles").asText()).isEqualTo("[0.1, 0.9]");
  }

  @Test
  void theHeaderWithAnAverageThatWaitsFitsItsSchema() throws IOException {
    TrainReport report =
        run.train(
            new SineWindows(64, 16).learnable(),
            "train.average-decay=1",
            "train.average-patience=3",
            "train.epochs=1");

    JsonNode header = run.checkpointHeader(report);

    assertThat(schema("checkpoint.v2").validate(header)).isEmpty();
    assertThat(header.at("/position/averageTrigger/losses")).hasSize(1);
    assertThat(header.at("/position/averageTrigger/from").asLong()).isEqualTo(-1);
    assertThat(header.get("averageParameters").asLong()).isZero();
  }

  @Test
  void whatARunLeavesThatBeganWithABundleFitsItsSchemas() throws IOException {
    LearnableWindows sine = new SineWindows(64, 16).learnable();
    TrainReport first = run.train(sine, "train.epochs=1");

    TrainReport second =
        run.train(
            sine,
            "train.fine-tune.bundle=\"" + first.bundle().uri() + "\"",
            "train.fine-tune.gradual-unfreezing=true",
            "train.checkpoint.resume=false",
            "train.epochs=1");

    JsonNode header = run.checkpointHeader(second);
    assertThat(schema("checkpoint.v2").validate(header)).isEmpty();
    assertThat(header.get("settings").get("train.fine-tune.bundle").asText())
        .isEqualTo(first.bundle().hash());
    JsonNode manifest =
        TrainerRun.json(
            Files.readString(
                Path.of(URI.create(second.bundle().uri()).getPath()).resolve("manifest.json")));
    assertThat(schema("model-bundle.v1").validate(manifest)).isEmpty();
    assertThat(manifest.at("/provenance/fineTunedFrom/version").asInt()).isEqualTo(1);
  }

  @Test
  void everyLineOfMetricsFitsItsSchema() throws IOException {
    TrainReport report =
        run.train(new SineWindows(64, 16).learnable(), "train.epochs=2", "train.log-every-steps=1");

    JsonSchema schema = schema("metrics.v2");
    assertThat(run.metrics(report)).hasSize(2 * (4 + 1));
    for (String line : run.metrics(report)) {
      assertThat(schema.validate(TrainerRun.json(line))).as(line).isEmpty();
    }
  }

  @Test
  void aLineWithAFieldThatTheSchemaDoesNotKnowIsFound() throws IOException {
    JsonNode line =
        TrainerRun.json(
            """
{"epoch":1,"step":1,"loss":1,"learningRate":1,"windowsPerSecond":1,"elapsedSeconds":1,"computeShare":1,"allReduceShare":0,"readShare":0,"bytesSent":0,"rate":2}
""");

    assertThat(schema("metrics.v2").validate(line)).hasSize(1);
  }

  private static JsonSchema schema(String name) throws IOException {
    Path file = Path.of(System.getenv("SLUICE_ROOT"), "data-schemas", name + ".json");
    return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
        .getSchema(Files.readString(file));
  }
}
