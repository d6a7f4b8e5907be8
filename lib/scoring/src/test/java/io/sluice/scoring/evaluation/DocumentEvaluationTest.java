package io.sluice.scoring.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.WordEmbedding;
import io.sluice.scoring.SparkExtension;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.BundlePublisher;
import io.sluice.scoring.bundle.DocumentPredictor;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.TextBuild;
import io.sluice.sequences.text.dataset.DocumentBatches;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.dataset.TextDataset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DocumentEvaluationTest {
  private static final Configuration HADOOP = new Configuration();

  @TempDir static Path folder;
  private static TextDataset dataset;
  private static String bundle;

  @BeforeAll
  static void makeDatasetAndBundle() {
    dataset = dataset("data", 60, "");
    bundle = publish(dataset, folder.resolve("registry"));
  }

  private static TextDataset dataset(String name, int documents, String more) {
    var random = new Random(3);
    var csv = new StringBuilder("id,label,text\n");
    for (int d = 0; d < documents; d++) {
      csv.append(d).append(',').append(d % 10 == 0 ? "" : d % 3 == 0 ? "good" : "bad").append(',');
      for (int word = random.nextInt(9); word >= 0; word--) {
        csv.append((char) ('a' + random.nextInt(6))).append(word == 0 ? "\n" : " ");
      }
    }
    TextBuild build =
        TextBuild.in(folder.resolve(name))
            .text("reports.csv", csv.toString())
            .with("source { format = csv, columns { id = id, label = label, text = text } }")
            .with("reject.max-share = 1.0")
            .with(more);
    build.run();
    return build.open();
  }

  private static String publish(TextDataset trained, Path registry) {
    ModelSpec spec =
        new ModelSpec(
                1,
                9,
                Cell.LSTM,
                List.of(4),
                true,
                0,
                ModelSpec.Output.LAST,
                List.of(),
                1,
                Precision.F32,
                Head.classes(2, List.of()),
                Attention.additive(3),
                false,
                false,
                0)
            .with(WordEmbedding.of(trained.vocabulary().size(), 5));
    return BundlePublisher.publish(
            registry.toString(),
            "reports",
            Optional.empty(),
            Networks.create(spec, OptimizerSpec.constantAdam(0.01), 1),
            new BundleContents(
                spec, trained, Map.of(), new Provenance("run", "code", "config", Instant.EPOCH)),
            HADOOP)
        .uri();
  }

  private static EvaluationReport evaluate(SparkSession spark, String... more) {
    Settings settings =
        Settings.parse(
            """
            name = reports, lake.root = "%s", evaluate { dataset = "%s", bundle = "%s", split = train, batch-size = 7 }
            %s
            """
                .formatted(folder, dataset.uri(), bundle, String.join("\n", more)));
    return Evaluation.run(spark, settings.read(EvaluateSettings::from), HADOOP);
  }

  @Test
  void metricsAreThoseOfEachDocumentByItself() {
    EvaluationReport report = evaluate(null);

    long right = 0;
    long labelled = 0;
    double logLoss = 0;
    try (DocumentPredictor predictor = ModelBundle.open(bundle, HADOOP).newDocumentPredictor()) {
      DocumentBatches alone = dataset.documentsInOrder(Split.TRAIN, 1, 0, 1);
      while (alone.hasNext()) {
        TextBatch one = alone.next();
        float[] p = predictor.probabilities(one);
        if (one.label(0) >= 0) {
          labelled++;
          right += (p[1] >= 0.5 ? 1 : 0) == one.label(0) ? 1 : 0;
          logLoss -= Math.log(p[one.label(0)]);
        }
      }
    }
    assertThat(report.dataset().windows()).isEqualTo(dataset.documents(Split.TRAIN));
    assertThat(report.dataset().missingTargets())
        .isEqualTo(dataset.documents(Split.TRAIN) - labelled);
    assertThat(report.metrics().get("accuracy")).isEqualTo((double) right / labelled);
    assertThat(report.metrics().get("log-loss")).isCloseTo(logLoss / labelled, within(1e-5));
    assertThat(report.metrics())
        .containsKeys("roc-auc", "f1", "calibration-error")
        .doesNotContainKeys("false-alarm-rate", "missed-alarm-rate");
    assertThat(report.baselines())
        .singleElement()
        .satisfies(row -> assertThat(row.name()).isEqualTo("majority-class"));
    assertThat(report.notes())
        .contains("A document is \"good\" from a probability of 0.5000 on (evaluate.threshold).")
        .anyMatch(note -> note.startsWith("majority-class is \"bad\": "));
  }

  @Test
  void tasksOfASessionFindTheSame() throws Exception {
    EvaluationReport report = evaluate(SparkExtension.session());

    EvaluationReport here = evaluate(null);
    assertThat(report.metrics().keySet()).isEqualTo(here.metrics().keySet());
    here.metrics()
        .forEach(
            (name, value) ->
                assertThat(report.metrics().get(name)).as(name).isCloseTo(value, within(1e-6)));
    assertThat(report.classes()).isEqualTo(here.classes());
    Path schema = Path.of(System.getenv("SLUICE_ROOT"), "data-schemas", "evaluation.v1.json");
    assertThat(
            JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                .getSchema(Files.readString(schema))
                .validate(new ObjectMapper().valueToTree(report)))
        .isEmpty();
  }

  @Test
  void aDatasetOfAnotherVocabularyIsRefusedWithTheDifferences() {
    TextDataset other = dataset("other", 30, "text { max-tokens = 3 }");

    assertThatThrownBy(() -> evaluate(null, "evaluate.dataset = \"%s\"".formatted(other.uri())))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("does not fit dataset " + other.uri() + ", 2 difference(s):")
        .hasMessageContaining("max-tokens is 400 in the bundle, 3 in the dataset");
  }

  @Test
  void aSplitWithoutDocumentsIsRefused() {
    assertThatThrownBy(() -> evaluate(null, "evaluate.split = test"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("has no document in split test");
  }
}
