package io.sluice.scoring.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.sluice.config.InvalidConfigException;
import io.sluice.config.Settings;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.head.AdaptiveSoftmax;
import io.sluice.recurrent.model.Attention;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.StreamPredictor;
import io.sluice.scoring.bundle.TextModels;
import io.sluice.sequences.text.encoding.TextEncoder;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextGeneratorTest {
  private static final Configuration HADOOP = new Configuration();

  @TempDir static Path folder;
  private static ModelBundle lines;
  private static ModelBundle endless;

  @BeforeAll
  static void publish() {
    lines = TextModels.languageModel(folder.resolve("lines"), "text.line-end = \"<eos>\"");
    endless = TextModels.languageModel(folder.resolve("endless"));
  }

  private static GenerateReport generate(ModelBundle bundle, String... hocon) {
    Settings settings =
        Settings.parse(
            "name = words, lake.root = \"%s\", generate.bundle = \"%s\"\n%s"
                .formatted(folder, bundle.uri(), String.join("\n", hocon)));
    return TextGenerator.run(settings.read(GenerateSettings::from), HADOOP);
  }

  /** Reads the whole text anew for each token. */
  private static List<String> likeliest(ModelBundle bundle, List<Integer> start, int n) {
    Vocabulary vocabulary = bundle.vocabulary();
    var ids = new ArrayList<>(start);
    var tokens = new ArrayList<String>();
    try (StreamPredictor predictor = bundle.newStreamPredictor(1)) {
      while (tokens.size() < n) {
        predictor.begin();
        float[] p = predictor.next(ids.stream().mapToInt(Integer::intValue).toArray(), ids.size());
        int best = 0;
        for (int v = 1; v < p.length; v++) {
          best = p[v] > p[best] ? v : best;
        }
        ids.add(best);
        tokens.add(vocabulary.token(best));
      }
    }
    return tokens;
  }

  @Test
  void withoutTemperatureEachTokenIsTheLikeliestAfterAllBeforeIt() {
    GenerateReport report =
        generate(
            lines,
            "generate { prompt = \"It runs\", tokens = 12, temperature = 0 }",
            "generate.seed = 2");

    Vocabulary vocabulary = lines.vocabulary();
    List<String> expected =
        likeliest(
            lines,
            List.of(lines.textContract().lineEndId(), vocabulary.id("it"), vocabulary.id("runs")),
            12);
    assertThat(report.text())
        .isEqualTo(
            String.join(" ", expected)
                .replace(" <eos> ", "\n")
                .replace("<eos> ", "\n")
                .replace(" <eos>", "\n")
                .replace("<eos>", "\n"));
    assertThat(report.tokens()).isEqualTo(12);
    assertThat(report.promptTokens()).isEqualTo(2);
    assertThat(report.unknownWords()).isEmpty();
    assertThat(report.perplexity()).isBetween(1.0, (double) vocabulary.size());
  }

  @Test
  void anAdaptiveSoftmaxGoesOnAsAFullOneDoes() {
    ModelBundle adaptive =
        TextModels.languageModel(
            folder.resolve("adaptive"),
            new AdaptiveSoftmax(List.of(2, 5), 2),
            "text.line-end = \"<eos>\"");

    GenerateReport report =
        generate(adaptive, "generate { prompt = \"it runs\", tokens = 12, temperature = 0 }");

    Vocabulary vocabulary = adaptive.vocabulary();
    List<Integer> start =
        List.of(adaptive.textContract().lineEndId(), vocabulary.id("it"), vocabulary.id("runs"));
    assertThat(report.text().strip().split("\\s+"))
        .containsExactlyElementsOf(
            likeliest(adaptive, start, 12).stream()
                .filter(token -> !token.equals("<eos>"))
                .toList());
    assertThat(report.perplexity()).isBetween(1.0, (double) vocabulary.size());
  }

  @Test
  void aModelOfSubwordsReadsAndWritesByTheTokenizerOfItsBundle() {
    Path own = folder.resolve("subwords");
    ModelBundle subwords =
        TextModels.languageModel(own, TextModels.subwords(own, "run running\nruns in ring\n"));

    GenerateReport report =
        generate(subwords, "generate { prompt = \"run running\", tokens = 12, temperature = 0 }");

    // run Ġrun n ing
    List<String> expected = likeliest(subwords, List.of(12, 15, 3, 14), 12);
    assertThat(report.promptTokens()).isEqualTo(4);
    assertThat(report.unknownWords()).isEmpty();
    try (TextEncoder encoder = subwords.newTextEncoder()) {
      assertThat(report.text()).isEqualTo(encoder.text(expected)).doesNotContain("Ġ");
    }
  }

  @Test
  void aSeedGivesOneTextAndAnotherSeedAnother() {
    String[] first = {"generate { tokens = 40, temperature = 1.5, top-k = 6, seed = 3 }"};

    String text = generate(lines, first).text();

    assertThat(generate(lines, first).text()).isEqualTo(text);
    assertThat(generate(lines, first[0], "generate.seed = 4").text()).isNotEqualTo(text);
  }

  @Test
  void unknownWordsOfThePromptAreNamedOnceEach() throws IOException {
    GenerateReport report = generate(lines, "generate { prompt = \"zig it zag zig\", tokens = 2 }");

    assertThat(report.unknownWords()).containsExactly("zig", "zag");
    assertThat(report.promptTokens()).isEqualTo(4);
    Path schema = Path.of(System.getenv("SLUICE_ROOT"), "data-schemas", "generate-report.v1.json");
    assertThat(
            JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                .getSchema(Files.readString(schema))
                .validate(new ObjectMapper().valueToTree(report)))
        .isEmpty();
  }

  @Test
  void aLineThatEndedInThePromptHasEnded() {
    assertThat(generate(lines, "generate { prompt = \"it runs\\n\", tokens = 2 }").promptTokens())
        .isEqualTo(3);
  }

  @Test
  void withoutEndsOfLinesThereMustBeAPrompt() {
    assertThatThrownBy(() -> generate(endless))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessage(
            """
            Invalid configuration for %s, 1 problem(s):
              - generate.prompt: must have a token for a model whose lines have no end of their own (text.line-end), but is null"""
                .formatted(endless.uri()));
  }

  @Test
  void drawsComeAsOftenAsTheirProbabilitiesSay() {
    float[] p = {0.1f, 0.4f, 0.3f, 0.2f};
    int n = 40_000;

    // to the power of 1/2 and over their sum
    assertFrequencies(new TokenSampler(2, 0, 1), p, n, 0.163, 0.325, 0.282, 0.230);
    assertFrequencies(new TokenSampler(1, 2, 1), p, n, 0, 4 / 7.0, 3 / 7.0, 0);
    assertFrequencies(new TokenSampler(0, 0, 1), p, 10, 0, 1, 0, 0);
    // of equals the first
    assertFrequencies(new TokenSampler(1, 1, 1), new float[] {0.2f, 0.4f, 0.4f}, 10, 0, 1, 0);
  }

  private static void assertFrequencies(
      TokenSampler sampler, float[] p, int n, double... expected) {
    var counts = new int[p.length];
    for (int i = 0; i < n; i++) {
      counts[sampler.draw(p)]++;
    }
    for (int v = 0; v < p.length; v++) {
      // four standard deviations of a frequency
      assertThat((double) counts[v] / n)
          .isCloseTo(
              expected[v], within(4 * Math.sqrt(expected[v] * (1 - expected[v]) / n) + 5e-4));
    }
  }

  @Test
  void aModelOfDocumentsGeneratesNothing() {
    assertThatThrownBy(() -> generate(documents()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith(
            "is a model of documents, and this predicts the next token. Give the bundle of a model that was trained on one long text, in order.");
  }

  private static ModelBundle documents() {
    Path own = folder.resolve("documents");
    return TextModels.classifier(own, "documents", TextModels.documents(own), Attention.NONE);
  }
}
