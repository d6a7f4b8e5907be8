package io.sluice.scoring.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.sluice.config.InvalidConfigException;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.Attention;
import io.sluice.scoring.SparkExtension;
import io.sluice.scoring.bundle.DocumentPredictor;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.TextModels;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.encoding.TextEncoder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.commons.io.FileUtils;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructField;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Raw texts to predictions of documents. */
@ExtendWith(SparkExtension.class)
class DocumentScorerTest {
  private static final String HEADER = "id,label,text\n";
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path folder;
  private static SparkSession spark;
  private static DocumentLake lake;
  private static ModelBundle bundle;
  private static ModelBundle plain;

  /** Reads at most 40 tokens, the last ones, and rejects what is not UTF-8. */
  private static DocumentLake strict;

  private static ModelBundle strictBundle;

  @BeforeAll
  static void publishModels(SparkSession session) {
    spark = session;
    lake = new DocumentLake(session, folder, "text.max-tokens = 40");
    bundle = lake.publish("reports", Attention.additive(3));
    plain = lake.publish("plain", Attention.NONE);
    strict =
        new DocumentLake(
            session,
            folder.resolve("strict"),
            "text { max-tokens = 40, truncate = start, invalid-utf8 = reject }");
    strictBundle = strict.publish("reports", Attention.additive(3));
  }

  @BeforeEach
  void forgetPredictions() throws IOException {
    FileUtils.deleteDirectory(folder.resolve("predictions").toFile());
  }

  /** Documents of 1 to 30 words, some of which nobody knows; every third without a label. */
  private static TreeMap<String, String> texts(int n) {
    String[] words = {"it", "runs", "and", "is", "broken", "all", "well", "unheard-of", "Runs"};
    var random = new Random(7);
    var texts = new TreeMap<String, String>();
    for (int d = 0; d < n; d++) {
      var text = new StringBuilder(words[random.nextInt(words.length)]);
      for (int more = random.nextInt(30); more > 0; more--) {
        text.append(' ').append(words[random.nextInt(words.length)]);
      }
      texts.put("doc " + d, text.toString());
    }
    return texts;
  }

  private static String csv(Map<String, String> texts) {
    var csv = new StringBuilder(HEADER);
    int d = 0;
    for (Map.Entry<String, String> text : texts.entrySet()) {
      csv.append(
          "%s,%s,%s%n".formatted(text.getKey(), d++ % 3 == 0 ? "" : "good", text.getValue()));
    }
    return csv.toString();
  }

  private static Map<String, Row> byId(DocumentLake of) {
    var rows = new TreeMap<String, Row>();
    of.rows().collectAsList().forEach(row -> rows.put(row.getAs("id"), row));
    return rows;
  }

  private static List<String> runsOfIds() {
    return lake.rows().collectAsList().stream()
        .map(row -> "%s %s %s".formatted(row.getAs("date"), row.getAs("id"), row.getAs("run_id")))
        .sorted()
        .toList();
  }

  @Test
  void everyRowIsThatOfThePredictorOnTheDocumentByItself() {
    TreeMap<String, String> texts = texts(50);

    DocumentScoreReport report =
        lake.score("run-1", lake.input("new.csv", csv(texts)), "score.batch-size = 7");

    Map<String, Row> rows = byId(lake);
    assertThat(rows.keySet()).isEqualTo(texts.keySet());
    long unknown = 0;
    int right = 0;
    try (TextEncoder encoder = bundle.newTextEncoder();
        DocumentPredictor predictor = bundle.newDocumentPredictor()) {
      for (Map.Entry<String, String> text : texts.entrySet()) {
        int[] ids = encoder.encode(text.getValue());
        float[] expected = predictor.probabilities(TextBatch.of(0, List.of(ids)));
        Row row = rows.get(text.getKey());
        List<Float> found = row.getList(row.fieldIndex("class_probabilities"));
        assertThat(found).hasSize(2);
        assertThat(found.get(0)).isCloseTo(expected[0], within(1e-6f));
        assertThat(found.get(1)).isCloseTo(expected[1], within(1e-6f));
        String likelier = expected[0] >= expected[1] ? "bad" : "good";
        assertThat(row.<String>getAs("predicted_class")).isEqualTo(likelier);
        assertThat(row.<Integer>getAs("tokens")).isEqualTo(ids.length);
        assertThat(row.isNullAt(row.fieldIndex("attention"))).isTrue();
        unknown += row.<Integer>getAs("unknown_tokens");
        right += likelier.equals(row.getAs("label")) ? 1 : 0;
      }
    }
    assertThat(report.predictionsWritten()).isEqualTo(50);
    assertThat(report.rawDocuments()).isEqualTo(50);
    assertThat(report.unknownTokens()).isEqualTo(unknown).isPositive();
    assertThat(report.labelledDocuments()).isEqualTo(33);
    assertThat(report.accuracy()).isEqualTo(right / 33.0);
    assertThat(report.predictedClasses().values().stream().mapToLong(n -> n).sum()).isEqualTo(50);
    assertThat(report.rejectedDocuments()).isEmpty();
    assertThat(report.date()).isEqualTo("2024-06-01");
    assertThat(folder.resolve("predictions/_staging/reports/run-1")).doesNotExist();
  }

  @Test
  void rowsAndReportAreAsTheirSchemasSay() throws IOException {
    DocumentScoreReport report =
        lake.score("run-1", lake.input("new.csv", csv(texts(3))), "score.explain = attention");

    JsonNode schema = JSON.readTree(schema("document-predictions.v1.json"));
    var columns = new ArrayList<String>();
    schema.get("columns").forEach(c -> columns.add(described(c)));
    assertThat(Stream.of(DocumentSchema.fileColumns().fields()).map(DocumentScorerTest::described))
        .isEqualTo(columns);
    schema.get("partitions").forEach(c -> columns.add(described(c)));
    assertThat(Stream.of(DocumentSchema.tableColumns().fields()).map(DocumentScorerTest::described))
        .isEqualTo(columns);
    JsonNode format = JSON.readTree(Files.readString(folder.resolve("predictions/_format.json")));
    assertThat(format.get("format")).isEqualTo(schema.get("format"));
    for (Row row : lake.rows().collectAsList()) {
      for (JsonNode column : schema.get("columns")) {
        if (!column.get("nullable").asBoolean()) {
          assertThat((Object) row.getAs(column.get("name").asText())).isNotNull();
        }
      }
    }
    assertThat(
            lake.rows()
                .selectExpr("concat_ws(' ', model, model_name, model_version, bundle_hash, run_id)")
                .distinct()
                .collectAsList())
        .extracting(row -> row.getString(0))
        .containsExactly("reports reports 1 %s run-1".formatted(bundle.hash()));
    assertThat(lake.rows().selectExpr("unix_micros(scored_at)").distinct().collectAsList())
        .extracting(row -> row.getLong(0))
        .containsExactly(1_717_284_600_123_456L);
    assertThat(
            JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                .getSchema(schema("document-score-report.v1.json"))
                .validate(JSON.valueToTree(report)))
        .isEmpty();
  }

  private static String schema(String name) throws IOException {
    return Files.readString(Path.of(System.getenv("SLUICE_ROOT"), "data-schemas", name));
  }

  private static String described(JsonNode column) {
    return column.get("name").asText() + " " + column.get("type").asText();
  }

  private static String described(StructField field) {
    return field.name() + " " + field.dataType().simpleString();
  }

  @Test
  void attentionIsOfEachTokenThatTheModelRead() {
    lake.score(
        "run-1",
        lake.input("new.csv", HEADER + "a,,It runs\nb,,all Unheard-of is WELL\n"),
        "score.explain = attention");

    Row row = byId(lake).get("b");
    List<Row> attended = row.getList(row.fieldIndex("attention"));
    assertThat(attended)
        .extracting(token -> token.getString(0))
        .containsExactly("all", "unheard", "-", "of", "is", "well");
    try (TextEncoder encoder = bundle.newTextEncoder();
        DocumentPredictor predictor = bundle.newDocumentPredictor()) {
      int[] ids = encoder.encode("all Unheard-of is WELL");
      float[] weights = predictor.attended(TextBatch.of(0, List.of(ids))).weights();
      for (int t = 0; t < weights.length; t++) {
        assertThat(attended.get(t).getFloat(1)).isCloseTo(weights[t], within(1e-6f));
      }
    }
  }

  @Test
  void aModelOfSubwordsReadsByTheTokenizerOfItsBundle() {
    Path own = folder.resolve("subwords");
    String text = HEADER + "1,good,run running\n2,bad,runs in ring\n";
    var subwords = new DocumentLake(spark, own, TextModels.subwords(own, text));
    ModelBundle model = subwords.publish("reports", Attention.additive(3));

    subwords.score(
        "run-1",
        subwords.input("new.csv", HEADER + "a,,run running\n"),
        "score.explain = attention");

    Row row = byId(subwords).get("a");
    List<Row> attended = row.getList(row.fieldIndex("attention"));
    assertThat(attended)
        .extracting(token -> token.getString(0))
        .containsExactly("run", "Ġrun", "n", "ing");
    assertThat(row.<Integer>getAs("unknown_tokens")).isZero();
    try (DocumentPredictor predictor = model.newDocumentPredictor()) {
      float[] expected =
          predictor.probabilities(TextBatch.of(0, List.of(new int[] {12, 15, 3, 14})));
      List<Float> found = row.getList(row.fieldIndex("class_probabilities"));
      assertThat(found.get(0)).isCloseTo(expected[0], within(1e-6f));
    }
  }

  @Test
  void aModelWithoutAttentionCannotExplain() {
    assertThatThrownBy(
            () ->
                lake.score(
                    "run-1",
                    lake.input("new.csv", csv(texts(3))),
                    "name = plain",
                    "score { explain = attention, origins = last, from = \"2024-01-01T00:00:00Z\" }"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessage(
            """
            Invalid configuration for %s, 3 problem(s):
              - score.from: must be null for a model of texts, whose documents have no time, but is 2024-01-01T00:00:00Z
              - score.origins: must be all for a model of texts, whose documents have no time, but is last
              - score.explain: must be none for a model without attention weights (model.attention is none, and they are those of additive), but is attention"""
                .formatted(plain.uri()));
  }

  @Test
  void strangeDocumentsHaveTheirResult() throws IOException {
    var csv = new ByteArrayOutputStream();
    csv.writeBytes((HEADER + "one,good,runs\n").getBytes(StandardCharsets.UTF_8));
    csv.writeBytes("unknown,bad,zig zag\n".getBytes(StandardCharsets.UTF_8));
    csv.writeBytes(
        ("long,,%sit is well\n".formatted("broken ".repeat(99_997)))
            .getBytes(StandardCharsets.UTF_8));
    csv.writeBytes("other,dubious,it runs\n".getBytes(StandardCharsets.UTF_8));
    csv.writeBytes("blank,good,\"  \"\n".getBytes(StandardCharsets.UTF_8));
    csv.writeBytes("missing,good,\n".getBytes(StandardCharsets.UTF_8));
    csv.writeBytes(",good,it runs\n".getBytes(StandardCharsets.UTF_8));
    csv.writeBytes("bytes,good,it \"".replace("\"", "").getBytes(StandardCharsets.UTF_8));
    csv.write(0xff);
    csv.writeBytes(" runs\n".getBytes(StandardCharsets.UTF_8));
    Path input = strict.write("strange.csv", csv.toByteArray());

    DocumentScoreReport report =
        strict.score(
            "run-1",
            "score { input = \"%s\", explain = attention }".formatted(input),
            "reject.max-share = 0.5");

    Map<String, Row> rows = byId(strict);
    assertThat(rows.keySet()).containsExactly("long", "one", "other", "unknown");
    assertThat(rows.get("one").<Integer>getAs("tokens")).isEqualTo(1);
    assertThat(rows.get("unknown").<Integer>getAs("unknown_tokens")).isEqualTo(2);
    assertThat(rows.get("other").<String>getAs("label")).isEqualTo("dubious");
    Row cut = rows.get("long");
    assertThat(cut.<Integer>getAs("tokens")).isEqualTo(40);
    assertThat(cut.<Integer>getAs("cut_tokens")).isEqualTo(99_960);
    // what is cut off is the start, as in training
    List<Row> attended = cut.getList(cut.fieldIndex("attention"));
    assertThat(attended).hasSize(40);
    assertThat(attended.subList(36, 40))
        .extracting(token -> token.getString(0))
        .containsExactly("broken", "it", "is", "well");
    try (TextEncoder encoder = strictBundle.newTextEncoder();
        DocumentPredictor predictor = strictBundle.newDocumentPredictor()) {
      int[] ids = encoder.encode("broken ".repeat(37) + "it is well");
      float[] expected = predictor.probabilities(TextBatch.of(0, List.of(ids)));
      List<Float> found = cut.getList(cut.fieldIndex("class_probabilities"));
      assertThat(found.get(0)).isCloseTo(expected[0], within(1e-6f));
    }
    assertThat(report.rejectedDocuments())
        .isEqualTo(
            Map.of("text-empty", 1L, "text-missing", 1L, "id-missing", 1L, "text-not-utf8", 1L));
    assertThat(report.cutDocuments()).isEqualTo(1);
    assertThat(report.cutTokens()).isEqualTo(99_960);
    assertThat(report.unknownDocuments()).isEqualTo(1);
    assertThat(report.labelledDocuments()).isEqualTo(2);
    assertThat(report.unknownLabels()).isEqualTo(1);
    assertThat(report.warnings())
        .containsExactly(
            "1 of 4 documents have no token that the model's vocabulary knows: their predictions say nothing of them.",
            "1 documents have a label (source.columns.label = label) that is no class of the model (bad, good): they were scored, and left out of the accuracy.");
    assertThat(spark.read().parquet(report.rejects()).select("reason").collectAsList())
        .extracting(row -> row.getString(0))
        .containsExactlyInAnyOrder("text-empty", "text-missing", "id-missing", "text-not-utf8");
  }

  @Test
  void aDocumentOfAHundredThousandTokensIsScoredWhole() {
    var uncut = new DocumentLake(spark, folder.resolve("uncut"), "text.max-tokens = 0");
    ModelBundle model = uncut.publish("reports", Attention.additive(3));
    TreeMap<String, String> texts = texts(20);
    texts.put("long", "broken ".repeat(99_997) + "it is well");

    DocumentScoreReport report =
        uncut.score("run-1", uncut.input("long.csv", csv(texts)), "score.explain = attention");

    Map<String, Row> rows = byId(uncut);
    assertThat(rows.keySet()).isEqualTo(texts.keySet());
    assertThat(rows.get("long").<Integer>getAs("tokens")).isEqualTo(100_000);
    assertThat(report.cutDocuments()).isZero();
    try (TextEncoder encoder = model.newTextEncoder();
        DocumentPredictor predictor = model.newDocumentPredictor()) {
      texts.forEach(
          (name, text) -> {
            DocumentPredictor.Attended expected =
                predictor.attended(TextBatch.of(0, List.of(encoder.encode(text))));
            Row row = rows.get(name);
            List<Float> found = row.getList(row.fieldIndex("class_probabilities"));
            assertThat(found.get(0)).as(name).isCloseTo(expected.probabilities()[0], within(1e-6f));
            assertAttended(row.getList(row.fieldIndex("attention")), expected.weights());
          });
    }
  }

  private static void assertAttended(List<Row> attended, float[] weights) {
    assertThat(attended).hasSize(weights.length);
    double sum = 0;
    double worst = 0;
    for (int t = 0; t < weights.length; t++) {
      float weight = attended.get(t).getFloat(1);
      sum += weight;
      worst = Math.max(worst, Math.abs(weight - weights[t]));
    }
    assertThat(worst).isLessThan(1e-6);
    assertThat(sum).isCloseTo(1, within(1e-3)); // float32 sum of 100,000 terms
  }

  @Test
  void tooManyRejectedDocumentsPublishNothing() {
    String input = lake.input("bad.csv", HEADER + "a,,\"<>\"\nb,,it runs\nc,,it is\nd,,\n");

    assertThatThrownBy(() -> lake.score("run-1", input, "reject.max-share = 0.2"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "score.input %1$s/bad.csv: 1 of 4 documents cannot be used (25.00 %%), more than reject.max-share = 0.2. Reasons: text-missing 1. They are in %1$s/runs/reports/score-rejects; correct the data, or the settings of source."
                .formatted(folder));

    assertThat(folder.resolve("predictions/model=reports")).doesNotExist();
    assertThat(
            spark.read().parquet(folder.resolve("runs/reports/score-rejects").toString()).count())
        .isEqualTo(1);
  }

  @Test
  void aMissingColumnOfTextIsNamedAndOneOfLabelsIsNot() {
    String input = lake.input("renamed.csv", "id,txt\na,it runs\n");

    assertThatThrownBy(() -> lake.score("run-1", input))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "score.input %s/renamed.csv has no column \"text\" (source.columns.text); did you mean txt?"
                .formatted(folder));
    DocumentScoreReport report = lake.score("run-2", input, "source.columns.text = txt");

    assertThat(report.labelledDocuments()).isZero();
    assertThat(report.accuracy()).isNull();
    assertThat(report.warnings())
        .containsExactly(
            "score.input %s/renamed.csv has no column \"label\" (source.columns.label): it was scored without labels."
                .formatted(folder));
  }

  @Test
  void aBatchOfManyLongDocumentsIsCutAndGivesTheProbabilitiesOfEach() {
    var random = new Random(3);
    var documents = new ArrayList<int[]>();
    for (int d = 0; d < 300; d++) {
      documents.add(random.ints(200 + random.nextInt(100), 1, 5).toArray());
    }
    try (DocumentPredictor predictor = bundle.newDocumentPredictor()) {
      float[] together = predictor.probabilities(TextBatch.of(0, documents));

      assertThat(together).hasSize(2 * 300);
      for (int d : new int[] {0, 1, 217, 218, 219, 299}) {
        float[] alone = predictor.probabilities(TextBatch.of(0, List.of(documents.get(d))));
        assertThat(together[2 * d]).as("document %d", d).isCloseTo(alone[0], within(1e-6f));
        assertThat(together[2 * d + 1]).isCloseTo(alone[1], within(1e-6f));
      }
    }
  }

  @Test
  void documentsOfOneNameAreAllScoredAndToldOf() {
    String input = lake.input("twice.csv", HEADER + "a,,it runs\nb,,it is\na,,broken\n");

    DocumentScoreReport report = lake.score("run-1", input);

    assertThat(report.predictionsWritten()).isEqualTo(3);
    assertThat(report.warnings())
        .containsExactly(
            "1 names in source.columns.id = id stand more than once, a for one: every document is kept, and what is said of them later cannot be told apart by name. Give each a name of its own.");
  }

  @Test
  void linesOfAFileAreDocumentsNamedByTheirPlace() {
    DocumentScoreReport report =
        lake.score(
            "run-1",
            lake.input("notes/monday.txt", "it runs\n\nall is well\n"),
            "source { format = text, columns { text = value, id = null, label = null } }",
            "reject.max-share = 0.5");

    assertThat(byId(lake).keySet()).containsExactly("monday.txt:1", "monday.txt:3");
    assertThat(report.rejectedDocuments()).isEqualTo(Map.of("text-empty", 1L));
  }

  @Test
  void aRunReplacesTheRowsOfItsInputAndDateAndNoOthers() {
    String first = lake.input("first.csv", HEADER + "a,,it runs\nb,,it is\n");
    String second = lake.input("second.csv", HEADER + "a,,all is well\n");
    lake.score("run-1", first, "score.date = 2024-05-01");
    lake.score("run-2", first, "score.date = 2024-05-02");
    lake.score("run-3", second, "score.date = 2024-05-02");
    lake.input("first.csv", HEADER + "b,,it is broken\n");

    DocumentScoreReport report = lake.score("run-4", first, "score.date = 2024-05-02");

    assertThat(runsOfIds())
        .containsExactly(
            "2024-05-01 a run-1", "2024-05-01 b run-1", "2024-05-02 a run-3", "2024-05-02 b run-4");
    assertThat(report.rowsKept()).isEqualTo(1);
    assertThat(report.predictionsWritten()).isEqualTo(1);
  }

  @Test
  void aRunThatDiesLeavesTheOldRowsOrTheNewOnes() {
    String input = lake.input("first.csv", HEADER + "a,,it runs\nb,,it is\n");
    lake.score("run-1", input);

    diesAt(PublishStep.STAGED, "run-2", input);
    assertThat(runsOfIds()).containsExactly("2024-06-01 a run-1", "2024-06-01 b run-1");
    diesAt(PublishStep.OLD_ASIDE, "run-3", input);
    assertThat(runsOfIds()).containsExactly("2024-06-01 a run-3", "2024-06-01 b run-3");
  }

  private static void diesAt(PublishStep step, String runId, String input) {
    PublishStep.Observer dies =
        (reached, partition) -> {
          if (reached == step) {
            throw new IllegalStateException("died at " + step);
          }
        };
    assertThatThrownBy(() -> lake.score(runId, dies, input)).hasMessage("died at " + step);
  }

  @Test
  void aTableOfWindowsTakesNoDocuments() throws IOException {
    Files.createDirectories(folder.resolve("predictions"));
    Files.writeString(
        folder.resolve("predictions/_format.json"),
        "{\"format\": \"predictions.v1\", \"origin\": \"timestamp\"}");

    assertThatThrownBy(() -> lake.score("run-1", lake.input("new.csv", csv(texts(3)))))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith(
            "it holds origins of type timestamp, this model would add documents, and a table holds one kind. Set score.predictions to another folder.");
  }
}
