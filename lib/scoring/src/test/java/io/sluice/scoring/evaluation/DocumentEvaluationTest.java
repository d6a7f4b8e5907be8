package io.sluice.scoring.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.sluice.config.InvalidConfigException;
import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Device;
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
import io.sluice.scoring.bundle.Decision;
import io.sluice.scoring.bundle.DocumentPredictor;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.explanation.Explainer;
import io.sluice.scoring.explanation.Explanation;
import io.sluice.scoring.explanation.Negations;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.TextBuild;
import io.sluice.sequences.text.dataset.DocumentBatches;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.dataset.TextDataset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
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

  /** 200 classes, a word and two documents each. */
  private static TextDataset manyClasses() {
    var csv = new StringBuilder("id,label,text\n");
    for (int d = 0; d < 400; d++) {
      csv.append("%d,class-%d,the word%d%n".formatted(d, d % 200, d % 200));
    }
    TextBuild build =
        TextBuild.in(folder.resolve("many"))
            .text("reports.csv", csv.toString())
            .with("source { format = csv, columns { id = id, label = label, text = text } }");
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
                Head.classes(trained.contract().classes().size(), List.of()),
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

  /** What a bundle says of the documents of train, one at a time. */
  private record ByItself(long n, double accuracy, double logLoss, int longest) {}

  private static ByItself byItself(TextDataset of, String by) {
    long n = 0;
    long right = 0;
    double logLoss = 0;
    int longest = 0;
    try (DocumentPredictor predictor = ModelBundle.open(by, HADOOP).newDocumentPredictor()) {
      DocumentBatches alone = of.documentsInOrder(Split.TRAIN, 1, 0, 1);
      while (alone.hasNext()) {
        TextBatch one = alone.next();
        float[] p = predictor.probabilities(one);
        n++;
        right += (p[1] >= 0.5 ? 1 : 0) == one.label(0) ? 1 : 0;
        logLoss -= Math.log(p[one.label(0)]);
        longest = Math.max(longest, one.length(0));
      }
    }
    return new ByItself(n, (double) right / n, logLoss / n, longest);
  }

  @Test
  void metricsAreThoseOfEachDocumentByItself() {
    EvaluationReport report = evaluate(null);

    ByItself alone = byItself(dataset, bundle);
    // one of ten has no label and is not in the dataset
    assertThat(alone.n()).isEqualTo(54);
    assertThat(report.dataset().windows()).isEqualTo(54);
    assertThat(report.metrics().get("accuracy")).isEqualTo(alone.accuracy());
    assertThat(report.metrics().get("log-loss")).isCloseTo(alone.logLoss(), within(1e-5));
    assertThat(report.classes().reliability())
        .isNotEmpty()
        .allSatisfy(bin -> assertThat(bin.confidence()).isBetween(bin.from(), bin.to()));
    assertThat(
            report.classes().reliability().stream()
                .mapToLong(EvaluationReport.ReliabilityBin::count)
                .sum())
        .isEqualTo(54);
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
  void twoHundredClassesAreJudged() {
    TextDataset many = manyClasses();
    String own = publish(many, folder.resolve("many-registry"));
    String both = "evaluate { dataset = \"%s\", bundle = \"%s\" }".formatted(many.uri(), own);

    EvaluationReport report = evaluate(null, both);

    assertThat(report.dataset().windows()).isEqualTo(400);
    assertThat(report.classes().names()).hasSize(200);
    assertThat(report.classes().perClass()).hasSize(200).allMatch(row -> row.count() == 2);
    assertThat(report.classes().confusion()).isEmpty();
    assertThat(report.metrics())
        .containsKeys("accuracy", "f1", "log-loss", "calibration-error")
        .doesNotContainKeys("roc-auc", "pr-auc");
    assertThat(report.notes())
        .contains(
            "ROC-AUC, PR-AUC and the confusion matrix are left out: there are 200 classes, and they are given for at most 128.");
    assertThatThrownBy(() -> evaluate(null, both, "evaluate.threshold = 0.3"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "evaluate.threshold: must be auto for a model of 200 classes, because a threshold decides between two classes, but is 0.3");
  }

  @Test
  void aDocumentOfAHundredThousandTokensIsJudgedWhole() {
    var csv = new StringBuilder("id,label,text\n0,good,%s\n".formatted("a b ".repeat(50_000)));
    for (int d = 1; d <= 40; d++) {
      csv.append("%d,%s,%s%n".formatted(d, d % 3 == 0 ? "good" : "bad", "b a c ".repeat(d)));
    }
    TextBuild build =
        TextBuild.in(folder.resolve("uncut"))
            .text("reports.csv", csv.toString())
            .with("source { format = csv, columns { id = id, label = label, text = text } }")
            .with("text.max-tokens = 0");
    build.run();
    TextDataset uncut = build.open();
    String own = publish(uncut, folder.resolve("uncut-registry"));

    EvaluationReport report =
        evaluate(
            null,
            "evaluate { dataset = \"%s\", bundle = \"%s\", batch-size = 512 }"
                .formatted(uncut.uri(), own),
            "evaluate.explain { samples = 0, negations = [] }");

    ByItself alone = byItself(uncut, own);
    assertThat(alone.longest()).isEqualTo(100_000);
    assertThat(report.dataset().windows()).isEqualTo(41);
    assertThat(report.metrics().get("accuracy")).isEqualTo(alone.accuracy());
    assertThat(report.metrics().get("log-loss")).isCloseTo(alone.logLoss(), within(1e-5));
  }

  /** A document of train stands in test too: kept, it flatters; dropped, it is not there. */
  @Test
  void documentsThatStandInTrainTooAreToldOfUnlessTheBuildDroppedThem() {
    for (String rule : new String[] {"keep", "drop"}) {
      TextBuild build =
          TextBuild.in(folder.resolve(rule))
              .text("train.csv", "id,label,text\n1,bad,a b\n2,good,c d\n3,bad,e f\n4,good,g\n")
              .with("source { format = csv, columns { id = id, label = label, text = text } }")
              .with("text.duplicates = " + rule);
      Path test =
          build.bytes(
              "test.csv",
              "id,label,text\n5,good,C D\n6,bad,d c\n".getBytes(StandardCharsets.UTF_8));
      build.source("test-path", test).run();
      TextDataset own = build.open();
      String published = publish(own, folder.resolve(rule + "-registry"));

      EvaluationReport report =
          evaluate(
              null,
              "evaluate { dataset = \"%s\", bundle = \"%s\", split = test }"
                  .formatted(own.uri(), published));

      assertThat(own.manifest().duplicates().normalised()).containsEntry("test-in-train", 1L);
      assertThat(own.documents(Split.TRAIN)).isEqualTo(rule.equals("keep") ? 4 : 3);
      String note = "1 documents of the split stand in train too, which flatters these numbers.";
      if (rule.equals("keep")) {
        assertThat(report.notes()).contains(note);
      } else {
        assertThat(report.notes()).doesNotContain(note);
      }
    }
  }

  @Test
  void tasksOfASessionFindTheSame() throws Exception {
    String negations = "evaluate.explain.negations = [a, b]";
    EvaluationReport report = evaluate(SparkExtension.session(), negations);

    EvaluationReport here = evaluate(null, negations);
    assertThat(report.metrics().keySet()).isEqualTo(here.metrics().keySet());
    here.metrics()
        .forEach(
            (name, value) ->
                assertThat(report.metrics().get(name)).as(name).isCloseTo(value, within(1e-6)));
    assertThat(report.classes().confusion()).isEqualTo(here.classes().confusion());
    assertThat(report.classes().roc()).isEqualTo(here.classes().roc());
    assertThat(report.classes().perClass()).isEqualTo(here.classes().perClass());
    assertThat(report.classes().reliability())
        .extracting(EvaluationReport.ReliabilityBin::count)
        .isEqualTo(
            here.classes().reliability().stream()
                .map(EvaluationReport.ReliabilityBin::count)
                .toList());
    assertThat(report.explanations().samples())
        .extracting(EvaluationReport.ExplainedDocument::tokens)
        .isEqualTo(
            here.explanations().samples().stream()
                .map(EvaluationReport.ExplainedDocument::tokens)
                .toList());
    assertThat(report.explanations().negations().flips())
        .isEqualTo(here.explanations().negations().flips());
    Path schema = Path.of(System.getenv("SLUICE_ROOT"), "data-schemas", "evaluation.v1.json");
    assertThat(
            JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                .getSchema(Files.readString(schema))
                .validate(new ObjectMapper().valueToTree(report)))
        .isEmpty();
  }

  @Test
  void documentsThatFlipWithoutTheirNegationsAreCountedAndWeighed() {
    // so close to what this network says of most documents that some flip
    String threshold = "evaluate.threshold = %s".formatted(medianProbability());
    EvaluationReport report =
        evaluate(null, threshold, "evaluate.explain { negations = [A, b], top = 2, flips = 1000 }");

    var negations = new Negations(List.of("a", "b"), dataset.vocabulary());
    var decision = new Decision(2, (float) medianProbability());
    long negated = 0;
    long flips = 0;
    long byAttention = 0;
    long byOcclusion = 0;
    ModelBundle opened = ModelBundle.open(bundle, HADOOP);
    try (DocumentPredictor predictor = opened.newDocumentPredictor();
        Explainer explainer = new Explainer(opened, Device.CPU)) {
      for (int[] ids : documents()) {
        int[] rest = negations.removedFrom(ids);
        if (rest.length == ids.length || rest.length == 0) {
          continue;
        }
        negated++;
        int y = decision.predicted(probabilities(predictor, ids), 0);
        if (decision.predicted(probabilities(predictor, rest), 0) != y) {
          flips++;
          Explanation weights = explainer.explain(ids, y);
          byAttention += isInTop(negations, ids, weights.attention()) ? 1 : 0;
          byOcclusion += isInTop(negations, ids, weights.occlusion()) ? 1 : 0;
        }
      }
    }
    EvaluationReport.NegationCount count = report.explanations().negations();
    assertThat(negated).isGreaterThan(20);
    assertThat(flips).isGreaterThan(3);
    assertThat(count.documents()).isEqualTo(negated);
    assertThat(count.flips()).isEqualTo(flips);
    assertThat(count.explained()).isEqualTo((int) flips);
    assertThat(count.inTopByAttention()).isEqualTo((int) byAttention);
    assertThat(count.inTopByOcclusion()).isEqualTo((int) byOcclusion);
    assertThat(count.inTopByChance()).isBetween(0.1 * flips, (double) flips);
    assertThat(String.join("\n", report.notes()))
        .contains(
            "Without their negations (evaluate.explain.negations) %d of the %d documents that have one change class. Of %d of these, drawn by a hash of their names, a negation is among the 2 words that weigh most in %d by attention, %d by occlusion and would be in "
                .formatted(flips, negated, flips, byAttention, byOcclusion));
    assertThat(
            evaluate(null, threshold, "evaluate.explain { negations = [a, b], flips = 2 }")
                .explanations()
                .negations())
        .satisfies(
            sample -> {
              assertThat(sample.flips()).isEqualTo(count.flips());
              assertThat(sample.explained()).isEqualTo(2);
            });
  }

  @Test
  void theChanceOfANegationAmongTheFirstIsThatOfDrawingWithoutReturn() {
    assertThat(DocumentExplanations.chance(5, 2, 2)).isCloseTo(1 - 3 / 5.0 * 2 / 4, within(1e-12));
    assertThat(DocumentExplanations.chance(3, 1, 10)).isEqualTo(1);
    assertThat(DocumentExplanations.chance(30, 0, 10)).isZero();
  }

  private static boolean isInTop(Negations negations, int[] ids, float[] weights) {
    return Arrays.stream(Explanation.top(weights, 2)).anyMatch(t -> negations.contains(ids[t]));
  }

  private static double medianProbability() {
    try (DocumentPredictor predictor = ModelBundle.open(bundle, HADOOP).newDocumentPredictor()) {
      double[] second =
          documents().stream()
              .mapToDouble(ids -> probabilities(predictor, ids)[1])
              .sorted()
              .toArray();
      return second[second.length / 2] + 1e-5; // no document is on it
    }
  }

  private static float[] probabilities(DocumentPredictor predictor, int[] ids) {
    return predictor.probabilities(TextBatch.of(dataset.contract().padId(), List.of(ids)));
  }

  private static List<int[]> documents() {
    var documents = new ArrayList<int[]>();
    DocumentBatches alone = dataset.documentsInOrder(Split.TRAIN, 1, 0, 1);
    while (alone.hasNext()) {
      TextBatch one = alone.next();
      documents.add(Arrays.copyOf(one.ids(), one.length(0)));
    }
    return documents;
  }

  @Test
  void samplesAreDrawnOfThoseThatAreRightWrongAndUndecided() {
    List<EvaluationReport.ExplainedDocument> samples =
        evaluate(null, "evaluate.explain.samples = 9").explanations().samples();

    assertThat(samples)
        .extracting(EvaluationReport.ExplainedDocument::choice)
        .containsExactly(
            "right",
            "right",
            "right",
            "right",
            "wrong",
            "wrong",
            "wrong",
            "undecided",
            "undecided");
    assertThat(samples)
        .extracting(EvaluationReport.ExplainedDocument::name)
        .doesNotHaveDuplicates();
    for (EvaluationReport.ExplainedDocument sample : samples) {
      assertThat(sample.predicted().equals(sample.actual()))
          .isEqualTo(
              sample.choice().equals("undecided")
                  ? sample.predicted().equals(sample.actual())
                  : sample.choice().equals("right"));
      assertThat(sample.attention()).hasSameSizeAs(sample.tokens());
      assertThat(sample.occlusion()).hasSameSizeAs(sample.tokens());
      assertThat(sample.window()).isEqualTo(1);
    }
    assertThat(evaluate(null, "evaluate.explain.samples = 9").explanations().samples())
        .isEqualTo(samples);
    assertThat(
            evaluate(null, "evaluate.explain { samples = 9, seed = 2 }").explanations().samples())
        .isNotEqualTo(samples);
  }

  @Test
  void wordsOfAnotherLanguageAreSaidToBeMissing() {
    EvaluationReport report =
        evaluate(null, "evaluate.explain { samples = 0, negations = [nicht] }");

    assertThat(report.explanations().negations().documents()).isZero();
    assertThat(report.explanations().samples()).isEmpty();
    assertThat(report.notes())
        .contains(
            "No token of the vocabulary is one of evaluate.explain.negations [nicht]; name those of the texts' language.");
    assertThat(evaluate(null, "evaluate.explain { samples = 0, negations = [] }").explanations())
        .isNull();
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
