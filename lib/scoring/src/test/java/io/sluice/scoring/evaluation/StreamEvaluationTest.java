package io.sluice.scoring.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.sluice.config.InvalidConfigException;
import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.UniformWeights;
import io.sluice.recurrent.model.WordEmbedding;
import io.sluice.scoring.SparkExtension;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.BundlePublisher;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.StreamPredictor;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.TextBuild;
import io.sluice.sequences.text.dataset.StreamBatch;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.dataset.Truncation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class StreamEvaluationTest {
  private static final Configuration HADOOP = new Configuration();

  /** 4 words of 1 to 4 letters in each of 30 lines, and its end. */
  private static final int LINES = 30;

  private static final int TOKENS = 5 * LINES;

  @TempDir static Path folder;
  private static TextDataset dataset;
  private static MultiLayerNetwork network;
  private static String bundle;

  @BeforeAll
  static void makeDatasetAndBundle() {
    dataset = dataset("words", "text { tokens = whitespace, line-end = \"<eos>\" }");
    ModelSpec spec = spec(dataset);
    network = Networks.create(spec, OptimizerSpec.constantAdam(0.01), 1);
    // a model that has an opinion, and remembers
    UniformWeights.draw(network, 1, 5);
    bundle = publish(dataset, spec, network);
  }

  private static TextDataset dataset(String name, String more) {
    var random = new Random(3);
    var text = new StringBuilder();
    for (int word = 0; word < 4 * LINES; word++) {
      text.append("aéioü".substring(0, 1 + random.nextInt(4)));
      text.append(word % 4 == 3 ? '\n' : ' ');
    }
    TextBuild build =
        TextBuild.in(folder.resolve(name))
            .text("t.txt", text.toString())
            .with("dataset.layout = stream, text.vocabulary.min-count = 1")
            .with(more);
    build.run();
    return build.open();
  }

  private static ModelSpec spec(TextDataset trained) {
    int V = trained.vocabulary().size();
    return new ModelSpec(
            1,
            9,
            Cell.LSTM,
            List.of(6, 4),
            false,
            0,
            ModelSpec.Output.SEQUENCE,
            List.of(),
            1,
            Precision.F32,
            Head.classes(V, List.of()))
        .with(WordEmbedding.of(V, 5));
  }

  private static String publish(TextDataset trained, ModelSpec spec, MultiLayerNetwork network) {
    return BundlePublisher.publish(
            folder.resolve("registry").toString(),
            "words",
            Optional.empty(),
            network,
            new BundleContents(
                spec, trained, Map.of(), new Provenance("run", "code", "config", Instant.EPOCH)),
            HADOOP)
        .uri();
  }

  private static EvaluationReport evaluate(SparkSession spark, String... more) {
    Settings settings =
        Settings.parse(
            """
            name = words, lake.root = "%s"
            evaluate { dataset = "%s", bundle = "%s", split = train, batch-size = 7 }
            %s
            """
                .formatted(folder, dataset.uri(), bundle, String.join("\n", more)));
    return Evaluation.run(spark, settings.read(EvaluateSettings::from), HADOOP);
  }

  /** The whole split as one stream. */
  private static StreamBatch all(TextDataset text) {
    long tokens = text.tokens(Split.TRAIN);
    return text.streams(Split.TRAIN, 1, Truncation.every((int) tokens), 0, 1).epoch(0, 0).next();
  }

  /** −Σ ln p of the tokens [from + 1, to) of the split in one pass over [from, to − 1). */
  private static double loss(int from, int to) {
    int[] ids = Arrays.copyOfRange(all(dataset).ids(), from, to - 1);
    float[] values = new float[ids.length];
    for (int t = 0; t < ids.length; t++) {
      values[t] = ids[t];
    }
    INDArray p = network.output(Nd4j.create(values, new long[] {1, 1, ids.length}, 'c'));
    double loss = 0;
    for (int t = 0; t < ids.length; t++) {
      loss -= Math.log(p.getDouble(0, all(dataset).nextIds()[from + t], t));
    }
    return loss;
  }

  @Test
  void perplexityIsThatOfOnePassOverTheWholeSplit() throws Exception {
    EvaluationReport report = evaluate(null);

    double mean = loss(0, TOKENS) / (TOKENS - 1);
    assertThat(report.dataset().windows()).isEqualTo(TOKENS - 1);
    assertThat(report.metrics().get("log-loss")).isCloseTo(mean, within(1e-5));
    assertThat(report.metrics().get("perplexity")).isCloseTo(Math.exp(mean), within(1e-4));
    assertThat(report.metrics().get("bits-per-token")).isCloseTo(mean / Math.log(2), within(1e-5));
    Path text = folder.resolve("words/t.txt");
    int characters = Files.readString(text).length();
    double predicted = characters * (TOKENS - 1.0) / TOKENS;
    assertThat(report.metrics().get("bits-per-character"))
        .isCloseTo(loss(0, TOKENS) / Math.log(2) / predicted, within(1e-5));
    assertThat(report.notes())
        .contains(
            "bits-per-character is bits-per-token x %d tokens / %d characters of the split's clean text."
                .formatted(TOKENS, characters),
            "Every token but the first is predicted after all before it: the state is carried over the whole split.");
    Path schema = Path.of(System.getenv("SLUICE_ROOT"), "data-schemas", "evaluation.v1.json");
    assertThat(
            JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                .getSchema(Files.readString(schema))
                .validate(new ObjectMapper().valueToTree(report)))
        .isEmpty();
  }

  @Test
  void streamsBeginWithNothingReadWhereverTheyAreRead() {
    EvaluationReport here = evaluate(null, "evaluate.streams = 4");
    EvaluationReport tasks = evaluate(SparkExtension.session(), "evaluate.streams = 4");

    double loss = 0;
    for (int b = 0; b < 4; b++) {
      int from = b * TOKENS / 4;
      loss += loss(from, from + TOKENS / 4);
    }
    int predicted = 4 * (TOKENS / 4 - 1);
    for (EvaluationReport report : new EvaluationReport[] {here, tasks}) {
      assertThat(report.dataset().windows()).isEqualTo(predicted);
      assertThat(report.metrics().get("log-loss")).isCloseTo(loss / predicted, within(1e-5));
    }
  }

  @Test
  void baselinesAreOfTheVocabularyAndItsCounts() {
    EvaluationReport report =
        evaluate(null, "evaluate { gate-metric = perplexity, gate-limit = 2 }");

    int V = dataset.vocabulary().size();
    int[] next = all(dataset).nextIds();
    double unigram = 0;
    for (int t = 0; t < TOKENS - 1; t++) {
      unigram -= Math.log((dataset.vocabulary().count(next[t]) + 1.0) / (TOKENS + V));
    }
    assertThat(report.baselines())
        .extracting(row -> row.name())
        .containsExactly("uniform", "unigram");
    assertThat(report.baselines().get(0).metrics().get("perplexity")).isCloseTo(V, within(1e-9));
    assertThat(report.baselines().get(1).metrics().get("log-loss"))
        .isCloseTo(unigram / (TOKENS - 1), within(1e-9));
    assertThat(report.gate().passed()).isFalse();
    assertThat(report.gate().message()).contains("perplexity is").contains("must be at most 2");
  }

  @Test
  void charactersAreTheirOwnTokens() {
    TextDataset text = dataset("characters", "text.tokens = character");
    ModelSpec spec = spec(text);
    String own = publish(text, spec, Networks.create(spec, OptimizerSpec.constantAdam(0.1), 2));

    EvaluationReport report =
        evaluate(null, "evaluate { bundle = \"%s\", dataset = \"%s\" }".formatted(own, text.uri()));

    assertThat(report.metrics().get("bits-per-character"))
        .isEqualTo(report.metrics().get("bits-per-token"));
  }

  @Test
  void wordsThatAreUnknownAreCountedWithTheCharactersThatTheyHave() throws Exception {
    TextDataset text = dataset("rare", "text { tokens = word, vocabulary.min-count = 30 }");
    ModelSpec spec = spec(text);
    String own = publish(text, spec, Networks.create(spec, OptimizerSpec.constantAdam(0.1), 2));

    EvaluationReport report =
        evaluate(null, "evaluate { bundle = \"%s\", dataset = \"%s\" }".formatted(own, text.uri()));

    // lines have no end of their own, so their breaks are no part of the text
    int characters = Files.readString(folder.resolve("rare/t.txt")).length() - LINES;
    int tokens = 4 * LINES;
    assertThat(report.metrics().get("bits-per-character"))
        .isCloseTo(report.metrics().get("bits-per-token") * tokens / characters, within(1e-9));
    double unknown = 100 * text.manifest().splits().get("train").unknownShare();
    assertThat(unknown).isPositive();
    assertThat(report.notes())
        .contains(
            String.format(
                Locale.ROOT,
                "bits-per-character is bits-per-token x %d tokens / %d characters of the split's clean text, in which unknown tokens (%.2f %%) count as one prediction each, whatever they stand for: a model of characters, which spells them, has more.",
                tokens,
                characters,
                unknown));
  }

  @Test
  void aDatasetOfBeforeCharactersWereCountedSaysSo() throws Exception {
    TextDataset text = dataset("older", "text { tokens = whitespace, line-end = \"<eos>\" }");
    Path manifest = Path.of(text.uri()).resolve("manifest.json");
    var tree = (ObjectNode) ManifestJson.mapper().readTree(manifest.toFile());
    tree.get("splits").forEach(split -> ((ObjectNode) split).remove("characters"));
    tree.remove("seal");
    ObjectNode sealed = tree.deepCopy().without("createdAt");
    tree.put("seal", Provenance.sha256(ManifestJson.write(sealed)));
    Files.writeString(manifest, ManifestJson.write(tree));

    EvaluationReport report = evaluate(null, "evaluate.dataset = \"%s\"".formatted(text.uri()));

    assertThat(report.metrics()).containsKey("perplexity").doesNotContainKey("bits-per-character");
    assertThat(report.notes())
        .contains(
            "bits-per-character is not given: the dataset was built before characters were counted. Build it again with build-sequences.");
  }

  @Test
  void whatDoesNotFitIsRefused() {
    TextDataset other = dataset("other", "text { tokens = whitespace, lowercase = false }");

    assertThatThrownBy(() -> evaluate(null, "evaluate.dataset = \"%s\"".formatted(other.uri())))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("does not fit dataset " + other.uri() + ", 2 difference(s):")
        .hasMessageContaining("vocabulary is ");
    assertThatThrownBy(() -> evaluate(null, "evaluate.streams = 76"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Split train of dataset %s has 150 tokens, and each of 76 streams (evaluate.streams) needs at least 2. Lower evaluate.streams to at most 75."
                .formatted(dataset.uri()));
    assertThatThrownBy(() -> evaluate(null, "evaluate.split = test"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Split test of dataset %s has 0 tokens, and a prediction needs at least 2. Choose another evaluate.split, or give it more text and rebuild."
                .formatted(dataset.uri()));
    assertThatThrownBy(() -> evaluate(null, "evaluate.threshold = 0.3"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "evaluate.threshold: must be auto for a language model, because a threshold decides between two classes, but is 0.3");
    assertThatThrownBy(() -> ModelBundle.open(bundle, HADOOP).newDocumentPredictor())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("is a language model, and this classifies documents");
  }

  @Test
  void aPredictorGoesOnWhereItWas() {
    int[] ids = Arrays.copyOf(all(dataset).ids(), 12);
    int[] next = Arrays.copyOf(all(dataset).nextIds(), 12);
    int V = dataset.vocabulary().size();
    try (StreamPredictor predictor = ModelBundle.open(bundle, HADOOP).newStreamPredictor(1)) {
      double[] logs = predictor.logProbabilities(ids, next, 12);
      predictor.begin();
      float[] afterFive = predictor.next(ids, 5);
      float[] states = predictor.states();
      float[] afterSix = predictor.next(new int[] {ids[5]}, 1);
      predictor.goOnFrom(states);

      assertThat(afterFive).hasSize(V);
      assertThat(Math.log(afterFive[next[4]])).isCloseTo(logs[4], within(1e-5));
      assertThat(Math.log(afterSix[next[5]])).isCloseTo(logs[5], within(1e-5));
      assertThat(predictor.next(new int[] {ids[5]}, 1)).isEqualTo(afterSix);
    }
    try (StreamPredictor pair = ModelBundle.open(bundle, HADOOP).newStreamPredictor(2)) {
      int[] both = {ids[0], ids[3], ids[1], ids[4], ids[2], ids[5]};
      float[] p = pair.next(both, 3);

      assertThat(p).hasSize(2 * V);
      assertThat(-Math.log(p[next[2]])).isCloseTo(loss(0, 4) - loss(0, 3), within(1e-5));
      assertThat(-Math.log(p[V + next[5]])).isCloseTo(loss(3, 7) - loss(3, 6), within(1e-5));
    }
  }
}
