package io.sluice.scoring.batch;

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
import io.sluice.recurrent.head.AdaptiveSoftmax;
import io.sluice.scoring.SparkExtension;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.StreamPredictor;
import io.sluice.scoring.bundle.TextModels;
import io.sluice.scoring.evaluation.EvaluateSettings;
import io.sluice.scoring.evaluation.Evaluation;
import io.sluice.scoring.evaluation.EvaluationReport;
import io.sluice.sequences.text.encoding.TextEncoder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** How likely documents are by a language model. */
@ExtendWith(SparkExtension.class)
class DocumentLikelihoodTest {
  private static final Map<String, String> TEXTS =
      new TreeMap<>(
          Map.of(
              "long", "it runs and runs and is well and all is broken ".repeat(9).strip(),
              "other", "it is broken",
              "short", "all runs well and is",
              "unknown", "zig runs",
              "word", "runs"));

  @TempDir Path folder;

  private DocumentScoreReport score(SparkSession spark, ModelBundle bundle, String... more)
      throws IOException {
    var csv = new StringBuilder("id,text\n");
    TEXTS.forEach((id, text) -> csv.append("%s,%s%n".formatted(id, text)));
    Path input = Files.writeString(folder.resolve("new.csv"), csv.toString());
    String settings =
        """
        name = words, lake.root = "%s"
        source { format = csv, columns { id = id, text = text } }
        score { bundle = "%s", input = "%s", batch-size = 3, batch-tokens = 12 }
        %s
        """
            .formatted(folder, bundle.uri(), input, String.join("\n", more));
    return (DocumentScoreReport)
        BatchScorer.run(
            spark,
            Settings.parse(settings).read(ScoreSettings::from),
            new Provenance("run-1", "test", "ab12", Instant.parse("2024-06-01T00:00:00Z")));
  }

  private static Map<String, Row> byId(SparkSession spark, DocumentScoreReport report) {
    var rows = new TreeMap<String, Row>();
    spark
        .read()
        .parquet(report.predictions())
        .collectAsList()
        .forEach(row -> rows.put(row.getAs("id"), row));
    return rows;
  }

  /** Token by token, one document at a time: the chain rule as it is written. */
  private static double logProbability(ModelBundle bundle, int[] ids, int[] before) {
    try (StreamPredictor predictor = bundle.newStreamPredictor(1)) {
      float[] p = before.length == 0 ? null : predictor.next(before, 1);
      double sum = 0;
      for (int id : ids) {
        sum += p == null ? 0 : Math.log(p[id]);
        p = predictor.next(new int[] {id}, 1);
      }
      return sum;
    }
  }

  private static void assertRows(
      ModelBundle bundle, Map<String, Row> rows, int[] before, DocumentScoreReport report) {
    double all = 0;
    long tokens = 0;
    assertThat(rows.keySet()).isEqualTo(TEXTS.keySet());
    try (TextEncoder encoder = bundle.newTextEncoder()) {
      for (Map.Entry<String, String> text : TEXTS.entrySet()) {
        int[] ids = encoder.encode(text.getValue());
        double expected = logProbability(bundle, ids, before);
        int scored = ids.length - 1 + before.length;
        Row row = rows.get(text.getKey());
        assertThat(row.<Double>getAs("log_probability"))
            .as(text.getKey())
            .isCloseTo(expected, within(1e-4));
        assertThat(row.<Integer>getAs("scored_tokens")).isEqualTo(scored);
        if (scored == 0) {
          assertThat(row.isNullAt(row.fieldIndex("perplexity"))).isTrue();
        } else {
          assertThat(row.<Double>getAs("perplexity"))
              .isCloseTo(Math.exp(-expected / scored), within(1e-3));
        }
        assertThat(row.isNullAt(row.fieldIndex("predicted_class"))).isTrue();
        all += expected;
        tokens += scored;
      }
    }
    assertThat(report.scoredTokens()).isEqualTo(tokens);
    assertThat(report.logProbability()).isCloseTo(all, within(1e-3));
    assertThat(report.perplexity()).isCloseTo(Math.exp(-all / tokens), within(1e-3));
    assertThat(report.predictedClasses()).isEmpty();
  }

  @Test
  void aDocumentFollowsTheEndOfALine(SparkSession spark) throws IOException {
    ModelBundle bundle = TextModels.languageModel(folder, "text.line-end = \"<eos>\"");

    DocumentScoreReport report = score(spark, bundle);

    assertRows(bundle, byId(spark, report), new int[] {bundle.textContract().lineEndId()}, report);
    assertThat(
            JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                .getSchema(
                    Files.readString(
                        Path.of(
                            System.getenv("SLUICE_ROOT"),
                            "data-schemas/document-score-report.v1.json")))
                .validate(new ObjectMapper().valueToTree(report)))
        .isEmpty();
    assertThatThrownBy(() -> score(spark, bundle, "score.explain = attention"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining("score.explain: must be none for a model without attention weights");
    assertThatThrownBy(() -> score(spark, bundle, "score.threshold = 0.3"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "score.threshold: must be auto for a language model, because a threshold decides between two classes, but is 0.3");
  }

  @Test
  void anAdaptiveSoftmaxScoresAndIsJudgedByTheSameProbabilities(SparkSession spark)
      throws IOException {
    ModelBundle bundle =
        TextModels.languageModel(
            folder, new AdaptiveSoftmax(List.of(3, 6), 2), "text.line-end = \"<eos>\"");

    DocumentScoreReport report = score(spark, bundle);

    assertThat(bundle.spec().head().adaptive()).isNotNull();
    assertRows(bundle, byId(spark, report), new int[] {bundle.textContract().lineEndId()}, report);
    // the text as one document, whose first token is after the end of a line
    String text = Files.readString(folder.resolve("train.txt"));
    double[] logs = logProbabilities(bundle, text);
    double loss = -Arrays.stream(logs).skip(1).sum() / (logs.length - 1);
    EvaluationReport judged =
        Evaluation.run(
            null,
            Settings.parse(
                    """
                    name = words, lake.root = "%s"
                    evaluate { dataset = "%s", bundle = "%s", split = train, batch-size = 4 }
                    """
                        .formatted(folder, folder.resolve("dataset"), bundle.uri()))
                .read(EvaluateSettings::from),
            new Configuration());
    assertThat(judged.dataset().windows()).isEqualTo(logs.length - 1);
    assertThat(judged.metrics().get("perplexity")).isCloseTo(Math.exp(loss), within(1e-4));
  }

  /** Of each token of a text, one after the other, as a stream that begins with the first. */
  private static double[] logProbabilities(ModelBundle bundle, String text) {
    try (TextEncoder encoder = bundle.newTextEncoder();
        StreamPredictor predictor = bundle.newStreamPredictor(1)) {
      int[] ids = encoder.encode(text);
      var logs = new double[ids.length];
      for (int t = 1; t < ids.length; t++) {
        float[] p = predictor.next(new int[] {ids[t - 1]}, 1);
        logs[t] = Math.log(p[ids[t]]);
      }
      return logs;
    }
  }

  @Test
  void emptyLinesAreRejectsThatDoNotCountAsTooMany(SparkSession spark) throws IOException {
    ModelBundle bundle = TextModels.languageModel(folder, "text.invalid-utf8 = reject");
    Path lines = Files.writeString(folder.resolve("lines.txt"), "it runs\n\nall is well\n\n");
    String input =
        "source { format = text, columns { id = null, text = auto } }, score.input = \"%s\""
            .formatted(lines);

    DocumentScoreReport report = score(spark, bundle, input);

    assertThat(report.predictionsWritten()).isEqualTo(2);
    assertThat(report.rejectedDocuments()).isEqualTo(Map.of("text-empty", 2L));
    assertThat(spark.read().parquet(report.rejects()).where("reason = 'text-empty'").count())
        .isEqualTo(2);
    Files.write(lines, "it runs\n\n\u00ff\n".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> score(spark, bundle, input))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(
            "score.input %s: 1 of 3 documents cannot be used (33.33 %%), more than reject.max-share = 0.01. Reasons: text-not-utf8 1. They are in "
                .formatted(lines));
    Files.writeString(lines, "\n\n");
    assertThatThrownBy(() -> score(spark, bundle, input))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(
            "score.input %s: 2 of 2 documents cannot be used (100.00 %%), and none is left. Reasons: text-empty 2. They are in "
                .formatted(lines));
  }

  @Test
  void withoutEndsOfLinesTheFirstTokenIsGiven(SparkSession spark) throws IOException {
    ModelBundle bundle = TextModels.languageModel(folder);

    DocumentScoreReport report = score(spark, bundle);

    assertRows(bundle, byId(spark, report), new int[0], report);
  }
}
