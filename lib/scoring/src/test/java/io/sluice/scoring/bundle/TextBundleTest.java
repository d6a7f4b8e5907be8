package io.sluice.scoring.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.WordEmbedding;
import io.sluice.sequences.text.TextBuild;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.encoding.TextEncoder;
import io.sluice.sequences.text.encoding.Tokenizers;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextBundleTest {
  private static final Path SCHEMA =
      Path.of(System.getenv("SLUICE_ROOT"), "data-schemas", "model-bundle.v1.json");

  @TempDir static Path shared;
  @TempDir Path folder;
  private static TextDataset dataset;

  @BeforeAll
  static void build() {
    TextBuild build =
        TextBuild.in(shared)
            .text("reports.csv", "id,label,text\n1,good,it runs\n2,bad,it is broken\n")
            .with("source { format = csv, columns { id = id, label = label, text = text } }");
    build.run();
    dataset = build.open();
  }

  private PublishedBundle publish(int words) {
    return publish(words, Attention.NONE);
  }

  private PublishedBundle publish(int words, Attention attention) {
    ModelSpec spec =
        new ModelSpec(
                1,
                3,
                Cell.LSTM,
                List.of(4),
                false,
                0,
                ModelSpec.Output.LAST,
                List.of(),
                1,
                Precision.F32,
                Head.classes(2, List.of()),
                attention,
                false,
                false,
                0)
            .with(WordEmbedding.of(words, 5));
    return BundlePublisher.publish(
        folder.resolve("registry").toString(),
        "reports",
        Optional.empty(),
        Networks.create(spec, OptimizerSpec.constantAdam(0.01), 1),
        new BundleContents(
            spec,
            dataset,
            Map.of("validation-loss", 0.5),
            new Provenance("run", "code", "config", Instant.EPOCH)),
        new Configuration());
  }

  @Test
  void itsManifestFitsTheSchemaAndItsVocabularyIsTheDatasets() throws IOException {
    PublishedBundle published = publish(dataset.vocabulary().size());

    Path bundle = Path.of(URI.create(published.uri()));
    assertFitsTheSchema(bundle);
    assertThat(bundle.resolve(Vocabulary.FILE_NAME)).hasContent(dataset.vocabulary().toText());
    ModelBundle opened = ModelBundle.open(published.uri(), new Configuration());
    assertThat(opened.manifest().text().contract()).isEqualTo(dataset.contract());
    assertThat(opened.manifest().text().special()).isEqualTo(dataset.manifest().special());
    assertThatThrownBy(opened::contract)
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("is a model of texts, and this reads windows of series");
  }

  @Test
  void aBundleOfBeforeAdversarialTrainingOpensWithoutIt() throws IOException {
    Path bundle = Path.of(URI.create(publish(dataset.vocabulary().size()).uri()));
    Path manifest = bundle.resolve(BundleManifest.FILE_NAME);
    ObjectNode json = (ObjectNode) new ObjectMapper().readTree(manifest.toFile());
    assertThat(((ObjectNode) json.at("/spec/embedding")).remove("adversarialEpsilon")).isNotNull();
    Files.writeString(manifest, json.toString());

    assertFitsTheSchema(bundle);
    assertThat(
            ModelBundle.open(bundle.toString(), new Configuration())
                .spec()
                .embedding()
                .adversarialEpsilon())
        .isZero();
  }

  private static void assertFitsTheSchema(Path bundle) throws IOException {
    assertThat(
            JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                .getSchema(Files.readString(SCHEMA))
                .validate(new ObjectMapper().readTree(bundle.resolve("manifest.json").toFile())))
        .isEmpty();
  }

  @Test
  void aVocabularyThatWasSwappedIsRefused() throws IOException {
    PublishedBundle published = publish(dataset.vocabulary().size());
    Path vocabulary = Path.of(URI.create(published.uri())).resolve(Vocabulary.FILE_NAME);
    Files.writeString(vocabulary, Files.readString(vocabulary).replace("runs", "stops"));

    assertThatThrownBy(() -> ModelBundle.open(published.uri(), new Configuration()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(Vocabulary.FILE_NAME + " is damaged or was changed");
  }

  @Test
  void aVocabularyThatWasSwappedWithItsHashIsNotThatOfTheContract() throws IOException {
    Path bundle = Path.of(URI.create(publish(dataset.vocabulary().size()).uri()));
    Path vocabulary = bundle.resolve(Vocabulary.FILE_NAME);
    byte[] original = Files.readAllBytes(vocabulary);
    byte[] swapped =
        Files.readString(vocabulary).replace("runs", "ends").getBytes(StandardCharsets.UTF_8);
    Files.write(vocabulary, swapped);
    listAsItIs(bundle, Vocabulary.FILE_NAME);

    assertThatThrownBy(() -> ModelBundle.open(bundle.toString(), new Configuration()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Model bundle %s contradicts itself. The vocabulary is not that of the contract: its hash is %s, expected %s. Restore the file that was written with it."
                .formatted(bundle, Sha256.of(swapped), Sha256.of(original)));
  }

  /** Writes size and hash of a file into the manifest; of one that is gone nothing. */
  private static void listAsItIs(Path bundle, String name) throws IOException {
    Path manifest = bundle.resolve(BundleManifest.FILE_NAME);
    ObjectNode json = (ObjectNode) new ObjectMapper().readTree(manifest.toFile());
    ObjectNode files = (ObjectNode) json.get("files");
    files.remove(name);
    if (Files.exists(bundle.resolve(name))) {
      byte[] content = Files.readAllBytes(bundle.resolve(name));
      files.putObject(name).put("bytes", content.length).put("sha256", Sha256.of(content));
    }
    Files.writeString(manifest, json.toString());
  }

  @Test
  void aModelOfAnotherVocabularyContradictsItself() {
    PublishedBundle published = publish(99);

    assertThatThrownBy(() -> ModelBundle.open(published.uri(), new Configuration()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("contradicts itself")
        .hasMessageContaining("it has 99 words, the documents have ");
  }

  @Test
  void itReadsTextsAsItsDatasetDid() {
    ModelBundle bundle = open(Attention.NONE);

    try (TextEncoder encoder = bundle.newTextEncoder();
        TextEncoder own =
            new TextEncoder(dataset.contract(), dataset.vocabulary(), dataset.tokenizerJson())) {
      String text = "It RUNS unheard of";
      assertThat(encoder.encode(text)).isEqualTo(own.encode(text)).hasSize(4);
    }
  }

  private ModelBundle ofSubwords() {
    String text = "id,label,text\n1,good,run running\n2,bad,runs in ring\n";
    TextDataset subwords = TextModels.documents(folder, TextModels.subwords(folder, text));
    return TextModels.classifier(folder, "subwords", subwords, Attention.NONE);
  }

  @Test
  void aModelOfSubwordsTakesItsTokenizerAlongAndReadsByIt() throws IOException {
    ModelBundle bundle = ofSubwords();

    Path published = Path.of(URI.create(bundle.uri()));
    assertFitsTheSchema(published);
    assertThat(published.resolve(TextManifest.TOKENIZER_FILE_NAME))
        .usingCharset(StandardCharsets.UTF_8)
        .hasContent(Tokenizers.byteLevelBpe());
    assertThat(bundle.tokenizerJson()).isEqualTo(Tokenizers.byteLevelBpe());
    try (TextEncoder encoder = bundle.newTextEncoder()) {
      assertThat(encoder.tokens("run running")).containsExactly("run", "Ġrun", "n", "ing");
      assertThat(encoder.encode("run running")).containsExactly(12, 15, 3, 14);
    }
  }

  @Test
  void aTokenizerThatWasSwappedIsRefused() throws IOException {
    Path bundle = Path.of(URI.create(ofSubwords().uri()));
    Path tokenizer = bundle.resolve(TextManifest.TOKENIZER_FILE_NAME);
    byte[] original = Files.readAllBytes(tokenizer);
    byte[] swapped =
        Files.readString(tokenizer)
            .replace("\"in g\",", "\"n g\",")
            .getBytes(StandardCharsets.UTF_8);
    Files.write(tokenizer, swapped);

    assertThatThrownBy(() -> ModelBundle.open(bundle.toString(), new Configuration()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(TextManifest.TOKENIZER_FILE_NAME + " is damaged or was changed");
    listAsItIs(bundle, TextManifest.TOKENIZER_FILE_NAME);
    assertTokenizerIsNotTheContracts(bundle, Sha256.of(swapped), Sha256.of(original));
    Files.delete(tokenizer);
    listAsItIs(bundle, TextManifest.TOKENIZER_FILE_NAME);
    assertTokenizerIsNotTheContracts(bundle, "none", Sha256.of(original));
  }

  private static void assertTokenizerIsNotTheContracts(Path bundle, String found, String expected) {
    assertThatThrownBy(() -> ModelBundle.open(bundle.toString(), new Configuration()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Model bundle %s contradicts itself. The tokenizer is not that of the contract: its hash is %s, expected %s. Restore the file that was written with it."
                .formatted(bundle, found, expected));
  }

  @Test
  void attentionWeightsAreThoseOfADocumentByItself() {
    List<int[]> documents = List.of(new int[] {2, 3, 4}, new int[] {1}, new int[] {4, 2});
    try (DocumentPredictor predictor = open(Attention.additive(3)).newDocumentPredictor()) {
      DocumentPredictor.Attended together = predictor.attended(TextBatch.of(0, documents));
      for (int b = 0; b < 3; b++) {
        int[] ids = documents.get(b);
        DocumentPredictor.Attended alone =
            predictor.attended(TextBatch.of(0, List.of(ids.clone())));

        assertThat(alone.weights()).hasSize(ids.length);
        double sum = 0;
        for (int t = 0; t < 3; t++) {
          float expected = t < ids.length ? alone.weights()[t] : 0;
          assertThat(together.weights()[3 * b + t]).isCloseTo(expected, within(1e-6f));
          sum += expected;
        }
        assertThat(sum).isCloseTo(1, within(1e-6));
        assertThat(together.probabilities()[2 * b])
            .isCloseTo(alone.probabilities()[0], within(1e-6f));
      }
    }
  }

  @Test
  void aModelWithoutAdditiveAttentionHasNoWeights() {
    ModelBundle bundle = open(Attention.NONE);

    assertThat(bundle.hasAttentionWeights()).isFalse();
    assertThat(open(Attention.additive(3)).hasAttentionWeights()).isTrue();
    try (DocumentPredictor predictor = bundle.newDocumentPredictor()) {
      TextBatch batch = TextBatch.of(0, List.of(new int[] {1}));
      assertThatThrownBy(() -> predictor.attended(batch))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the model has attention of kind NONE, weights are of additive attention");
    }
  }

  private ModelBundle open(Attention attention) {
    return ModelBundle.open(
        publish(dataset.vocabulary().size(), attention).uri(), new Configuration());
  }
}
