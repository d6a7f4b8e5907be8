package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;
import static org.assertj.core.api.Assertions.within;

import io.sluice.config.InvalidConfigException;
import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.failure.InsufficientClusterException;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.text.TextBuilder;
import io.sluice.sequences.text.TextSettings;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.encoding.Vocabulary;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.IncompatibleCheckpointException;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** From raw text to a bundle: one word somewhere in a document tells its class. */
class TrainingOnDocumentsTest {
  @RegisterExtension static final LocalSpark SPARK = LocalSpark.of(4);

  private static final String[] WORDS = {"the", "pump", "valve", "runs", "is", "at", "noon"};

  @TempDir static Path shared;
  @TempDir Path folder;

  @BeforeAll
  static void buildDatasets() throws IOException {
    var random = new Random(4);
    var csv = new StringBuilder("id,label,text\n");
    for (int document = 0; document < 240; document++) {
      boolean good = random.nextBoolean();
      int length = 1 + random.nextInt(12);
      int told = random.nextInt(length);
      csv.append(document).append(',').append(good ? "good" : "bad").append(',');
      for (int word = 0; word < length; word++) {
        String each = word == told ? good ? "fine" : "broken" : WORDS[random.nextInt(7)];
        csv.append(each).append(word == length - 1 ? "\n" : " ");
      }
    }
    Files.writeString(shared.resolve("reports.csv"), csv);
    build("documents", "source.columns { text = text, id = id, label = label }");
    Files.writeString(
        shared.resolve("others.csv"),
        csv.toString().replace("valve", "gate").replace("good", "ok"));
    build("others", "others.csv", "source.columns { text = text, id = id, label = label }");
    build("language", "source.columns { text = text }, dataset.layout = stream, split.test = 0.1");
    build("unlabelled", "source.columns { text = text, id = id }");
    buildLong();
  }

  /** Nine short documents a class, and one of 100,000 tokens in train and in validation. */
  private static void buildLong() throws IOException {
    String all = "pump valve runs is at ".repeat(20_000) + "fine";
    var csv = new StringBuilder("id,label,text\nlong,good," + all + "\n");
    for (int k = 0; k < 18; k++) {
      csv.append(k).append(k % 2 == 0 ? ",good,the pump is fine\n" : ",bad,valve broken\n");
    }
    Files.writeString(shared.resolve("long.csv"), csv);
    build(
        "long",
        "long.csv",
        """
        source { columns { text = text, id = id, label = label }, validation-path = "%s" }
        split.validation = 0
        text.max-tokens = 0
        """
            .formatted(shared.resolve("long.csv")));
  }

  private static void build(String name, String more) {
    build(name, "reports.csv", more);
  }

  private static void build(String name, String file, String more) {
    Settings settings =
        Settings.parse(
            """
            name = reports
            lake.root = "%1$s"
            dataset { path = "%1$s/%2$s", layout = documents }
            source { path = "%1$s/%4$s", format = csv }
            split { validation = 0.2, test = 0 }
            text.vocabulary.min-count = 1
            %3$s
            """
                .formatted(shared, name, more, file));
    TextBuilder.build(
        SPARK.session(),
        settings.read(TextSettings::from),
        new Provenance("build", "test", "hash", Instant.EPOCH));
  }

  private static String dataset(String name) {
    return shared.resolve(name).toString();
  }

  private TrainerRun run(String lake) {
    return new TrainerRun(folder.resolve(lake), SPARK.session());
  }

  @Test
  void aClassifierLearnsAndItsBundleHasTheVocabulary() throws IOException {
    TrainReport report =
        run("lake")
            .trainOn(
                dataset("documents"),
                "model.embedding-size=6",
                "model.attention=additive",
                "model.bidirectional=true",
                "train.epochs=8");

    assertThat(report.bestValidationLoss()).isLessThan(0.1);
    assertThat(report.trainWindows() + report.validationWindows()).isEqualTo(240);
    ModelBundle bundle = ModelBundle.open(report.bundle().uri(), new Configuration());
    TextDataset dataset = TextDataset.open(dataset("documents"), new Configuration());
    assertThat(bundle.manifest().text().contract()).isEqualTo(dataset.contract());
    assertThat(bundle.spec().embedding().words()).isEqualTo(dataset.vocabulary().size());
    Path vocabulary =
        Path.of(URI.create(report.bundle().uri()).getPath()).resolve(Vocabulary.FILE_NAME);
    assertThat(vocabulary).hasContent(dataset.vocabulary().toText());
    assertThatThrownBy(bundle::newPredictor)
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("is a model of texts, and this reads windows of series");
  }

  /** In pieces, of which one holds it; the others end with their own longest. */
  @Test
  void oneDocumentOfHundredThousandTokensTrainsBesideShortOnes() {
    String[] settings = {
      "model.embedding-size=3", "model.bidirectional=true", "train.optimizer=sgd", "train.epochs=2"
    };
    String[] cut = Arrays.copyOf(settings, settings.length + 2);
    cut[settings.length] = "train.accumulate=5";
    cut[settings.length + 1] = "train.threads=2";
    TrainerRun whole = run("whole");
    TrainReport one = whole.trainOn(dataset("long"), settings);
    TrainerRun inPieces = run("pieces");

    TrainReport pieces = inPieces.trainOn(dataset("long"), cut);

    assertThat(one.trainWindows()).isEqualTo(19);
    assertThat(one.validationWindows()).isEqualTo(19);
    assertThat(pieces.bestValidationLoss())
        .isCloseTo(one.bestValidationLoss(), within(1e-5 * one.bestValidationLoss()));
    float[] expected = whole.checkpoint(one).parameters();
    float[] actual = inPieces.checkpoint(pieces).parameters();
    for (int p = 0; p < expected.length; p++) {
      assertThat(actual[p]).isCloseTo(expected[p], within(2e-5f));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "0.5"})
  void ranksTogetherLearnWhatOneProcessDoes(String epsilon) {
    String[] settings = {
      "model.embedding-size=5",
      "model.adversarial-epsilon=" + epsilon,
      "model.dropout=0.2",
      "train.optimizer=sgd",
      "train.epochs=3"
    };
    TrainerRun alone = run("alone");
    Checkpoint one = alone.checkpoint(alone.trainOn(dataset("documents"), settings));
    TrainerRun together = run("together");
    var ranked = Arrays.copyOf(settings, settings.length + 2);
    ranked[settings.length] = "train.strategy=gradient-sharing";
    ranked[settings.length + 1] = "train.workers=3";

    Checkpoint three = together.checkpoint(together.trainOn(dataset("documents"), ranked));

    assertThat(three.position().step()).isEqualTo(one.position().step());
    for (int p = 0; p < one.parameters().length; p++) {
      assertThat(three.parameters()[p]).isCloseTo(one.parameters()[p], within(2e-5f));
    }
  }

  /** Two replicas of two stages, whose rows of the embedding are summed where they are touched. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.5})
  void stagesTogetherLearnWhatOneProcessDoes(double epsilon) {
    List<String> settings =
        List.of(
            "model.embedding-size=5",
            "model.adversarial-epsilon=" + epsilon,
            "model.embedding-dropout=0.1",
            "model.weight-dropout=0.2",
            "model.hidden-sizes=[6,5]",
            "model.attention=additive",
            "model.dropout=0.2",
            "model.activation-regularization=0.5",
            "model.temporal-activation-regularization=0.5",
            "train.optimizer=sgd",
            "train.epochs=2");
    TrainerRun alone = run("alone");
    TrainReport one = alone.trainOn(dataset("documents"), with(settings, "train.strategy=local"));
    TrainerRun staged = run("staged");

    TrainReport many =
        staged.trainOn(
            dataset("documents"),
            with(
                settings,
                "train.strategy=pipeline",
                "train.workers=4",
                "train.accumulate=3",
                "train.pipeline.time-chunk=5",
                "train.checkpoint.every-steps=2"));

    assertThat(many.bestValidationLoss())
        .isCloseTo(one.bestValidationLoss(), within(1e-5 * one.bestValidationLoss()));
    float[] expected = alone.checkpoint(one).parameters();
    float[] actual = staged.checkpoint(many).parameters();
    assertThat(actual).hasSameSizeAs(expected);
    for (int p = 0; p < expected.length; p++) {
      assertThat(actual[p]).isCloseTo(expected[p], within(2e-5f));
    }
    assertThat(many.bundle().published()).isTrue();
  }

  /** Plain descent: the mean of workers after each step is the step on all of the batch. */
  @Test
  void averagingEveryStepLearnsWhatOneProcessDoes() {
    List<String> settings =
        List.of(
            "model.embedding-size=5",
            "model.adversarial-epsilon=0.5",
            "model.attention=additive",
            "train.optimizer=sgd",
            "train.learning-rate=0.5",
            "train.max-gradient-norm=0",
            "train.batch-size=15",
            "train.epochs=2");
    TrainerRun alone = run("alone");
    TrainReport one = alone.trainOn(dataset("documents"), with(settings, "train.strategy=local"));
    TrainerRun averaged = run("averaged");

    TrainReport two =
        averaged.trainOn(
            dataset("documents"),
            with(
                settings,
                "train.strategy=parameter-averaging",
                "train.workers=2",
                "train.averaging-frequency=1"));

    assertThat(two.steps()).isEqualTo(one.steps());
    assertThat(two.bestValidationLoss()).isCloseTo(one.bestValidationLoss(), within(1e-5));
    float[] expected = alone.checkpoint(one).parameters();
    float[] actual = averaged.checkpoint(two).parameters();
    for (int p = 0; p < expected.length; p++) {
      // float32 sums of 26 steps in another order
      assertThat(actual[p]).isCloseTo(expected[p], within(2e-5f));
    }
  }

  @Test
  void workersThatWaitForNobodyLearnToo() throws IOException {
    setAeronOptions();

    TrainReport report =
        run("async")
            .trainOn(
                dataset("documents"),
                "model.embedding-size=6",
                "model.attention=additive",
                "train.strategy=async-gradient-sharing",
                "train.workers=2",
                "train.epochs=12",
                "train.async.port=" + freePort());

    assertThat(report.strategy()).isEqualTo("async-gradient-sharing");
    // a network that learned nothing has ln 2 = 0.693
    assertThat(report.bestValidationLoss()).isLessThan(0.5);
    assertThat(report.distanceMoved()).isGreaterThan(0.1);
  }

  /** As the submit scripts do. */
  private static void setAeronOptions() {
    System.setProperty("aeron.publication.unblock.timeout", "60000000000");
    System.setProperty("aeron.term.buffer.length", "4194304");
  }

  private static int freePort() throws IOException {
    try (var socket = new DatagramSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static String[] with(List<String> some, String... more) {
    return Stream.concat(some.stream(), Arrays.stream(more)).toArray(String[]::new);
  }

  @Test
  void wordsBeginWithTheVectorsOfAFile() throws IOException {
    Path file = folder.resolve("vectors.txt.gz");
    try (var out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write("2 3\nfine 1.5 -2.5 0.25\nelsewhere 1 2 3\n".getBytes(StandardCharsets.UTF_8));
    }
    String[] with = {
      "model.embedding-size=3",
      "model.embedding-frozen=true",
      "train.epochs=1",
      "train.word-vectors=\"" + file + "\""
    };

    TrainerRun run = run("vectors");
    Checkpoint end = run.checkpoint(run.trainOn(dataset("documents"), with));

    assertThat(vectorOfFine(end)).containsExactly(1.5f, -2.5f, 0.25f);
    try (var out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write("fine 7 8 9\n".getBytes(StandardCharsets.UTF_8));
    }
    assertThatThrownBy(() -> run.trainOn(dataset("documents"), with))
        .isInstanceOf(IncompatibleCheckpointException.class)
        .hasMessageContaining("train.word-vectors");
    with[0] = "model.embedding-size=4";
    assertThatThrownBy(() -> run("other").trainOn(dataset("documents"), with))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("vectors.txt.gz");
    with[3] = "train.word-vectors=\"" + folder.resolve("nowhere.txt") + "\"";
    assertThatThrownBy(() -> run("none").trainOn(dataset("documents"), with))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("nowhere.txt");
  }

  /** What workers begin with is what the driver read. */
  @ParameterizedTest
  @ValueSource(
      strings = {"gradient-sharing", "pipeline", "parameter-averaging", "async-gradient-sharing"})
  void wordsOfWorkersBeginWithTheVectorsToo(String strategy) throws IOException {
    setAeronOptions();
    Path file = Files.writeString(folder.resolve("vectors.txt"), "fine 1.5 -2.5 0.25\n");
    TrainerRun run = run("vectors");

    Checkpoint end =
        run.checkpoint(
            run.trainOn(
                dataset("documents"),
                "model.embedding-size=3",
                "model.embedding-frozen=true",
                "model.hidden-sizes=[6,5]",
                "train.epochs=1",
                "train.strategy=" + strategy,
                "train.workers=2",
                "train.async.port=" + freePort(),
                "train.word-vectors=\"" + file + "\""));

    assertThat(vectorOfFine(end)).containsExactly(new float[] {1.5f, -2.5f, 0.25f}, offset(1e-6f));
  }

  private static float[] vectorOfFine(Checkpoint checkpoint) {
    int fine = TextDataset.open(dataset("documents"), new Configuration()).vocabulary().id("fine");
    return Arrays.copyOfRange(checkpoint.parameters(), 3 * fine, 3 * fine + 3);
  }

  /** The other dataset says gate for valve, so that its ids are others, and ok for good. */
  @Test
  void aModelOfOtherDocumentsIsTakenWordByWord() {
    String[] model = {"model.embedding-size=6", "model.attention=additive", "train.epochs=6"};
    TrainReport first = run("first").trainOn(dataset("documents"), model);
    ModelBundle trained = ModelBundle.open(first.bundle().uri(), new Configuration());
    String[] tuned = Arrays.copyOf(model, 6);
    tuned[2] = "train.epochs=1";
    tuned[3] = "train.fine-tune.bundle=\"" + folder.resolve("first/models/sine") + "\"";
    tuned[4] = "train.fine-tune.gradual-unfreezing=true";
    tuned[5] = "train.learning-rate=1e-9";

    TrainReport second = run("second").trainOn(dataset("others"), tuned);

    assertThat(second.fineTunedFrom()).endsWith("/first/models/sine/1");
    ModelBundle bundle = ModelBundle.open(second.bundle().uri(), new Configuration());
    assertThat(bundle.manifest().provenance().fineTunedFrom().layers())
        .containsExactly("embedding", "recurrent-0", "additive attention");
    INDArray rows = bundle.network().getParam("0_W");
    INDArray before = trained.network().getParam("0_W");
    for (String word : new String[] {"pump", "broken", "noon", "<unk>", "<pad>"}) {
      assertThat(rows.getRow(row(bundle, word))).isEqualTo(before.getRow(row(trained, word)));
    }
    assertThat(rows.getRow(bundle.vocabulary().id("gate")).distance2(before.mean(0)))
        .isLessThan(1e-6);
  }

  /** As Dai and Le do; the model reads forward, the classifier both ways. */
  @Test
  void aLanguageModelOfTheSameTextIsTheBeginningOfAClassifier() {
    TrainReport first =
        run("first")
            .trainOn(
                dataset("language"),
                "model.embedding-size=6",
                "model.output=sequence",
                "model.embedding-tied=true",
                "train.bptt-steps=10",
                "train.batch-size=4",
                "train.epochs=2");

    TrainReport second =
        run("second")
            .trainOn(
                dataset("documents"),
                "model.embedding-size=6",
                "model.bidirectional=true",
                "model.output=concat",
                "train.fine-tune.bundle=\"" + first.bundle().uri() + "\"",
                "train.fine-tune.gradual-unfreezing=true",
                "train.epochs=1");

    INDArray trained =
        ModelBundle.open(first.bundle().uri(), new Configuration()).network().getParam("1_RW");
    ModelBundle bundle = ModelBundle.open(second.bundle().uri(), new Configuration());
    assertThat(bundle.manifest().provenance().fineTunedFrom().layers())
        .containsExactly("embedding", "recurrent-0");
    assertThat(bundle.network().getParam("1_fRW")).isEqualTo(trained);
    assertThat(bundle.network().getParam("1_bRW")).isNotEqualTo(trained);
  }

  private static int row(ModelBundle bundle, String word) {
    Vocabulary vocabulary = bundle.vocabulary();
    return word.equals("<pad>") ? vocabulary.padId() : vocabulary.id(word);
  }

  @Test
  void aModelOfWindowsIsNoneOfDocuments() {
    TrainReport windows =
        new TrainerRun(folder.resolve("windows"), null)
            .train(new SineWindows(200, 50).learnable(), "train.epochs=1");

    assertThatThrownBy(
            () ->
                run("refused")
                    .trainOn(
                        dataset("documents"),
                        "model.embedding-size=6",
                        "train.fine-tune.bundle=\"" + windows.bundle().uri() + "\""))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("is a model of windows of series, and this reads texts");
  }

  @Test
  void settingsThatDoNotGoWithDocumentsAreRefused() {
    refused("model.embedding-size: must be at least 1 for a dataset of", "model.embedding-size=0");
    refused("model.output: must be last, mean, max or concat, because", "model.output=sequence");
    refused("train.max-train-windows: must be 0, because", "train.max-train-windows=7");
    refused("train.bptt-varied: must be false, because", "train.bptt-varied=true");
    refused(
        "train.max-false-alarm-rate: must be null, because no text is an alarm, but is 0.03",
        "train.max-false-alarm-rate=0.03");
    refused(
        "model.adversarial-epsilon: must be 0 with train.strategy = async-gradient-sharing, whose workers take each batch once, but is 0.5",
        "model.embedding-size=5",
        "model.adversarial-epsilon=0.5",
        "train.strategy=async-gradient-sharing",
        "train.workers=2");
  }

  /** Before it is trained: beside the memory that it would take. */
  @Test
  void aNetworkThatCouldNotBePublishedIsRefused() {
    assertThatThrownBy(
            () ->
                run("refused")
                    .trainOn(
                        dataset("documents"),
                        "model.embedding-size=5",
                        "model.hidden-sizes=[12024]"))
        .isInstanceOf(InsufficientClusterException.class)
        .hasMessageContaining(
            "model.hidden-sizes, model.embedding-size: must make at most 536,608,767 parameters, which a published model holds, but make 578,618,985");
  }

  private void refused(String told, String... settings) {
    assertThatThrownBy(() -> run("refused").trainOn(dataset("documents"), settings))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(told);
  }

  @Test
  void datasetsWithNothingToLearnAreRefused() {
    assertThatThrownBy(() -> run("a").trainOn(dataset("unlabelled"), "model.embedding-size=4"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("its documents have no labels, and a class to learn needs two");
    Settings settings =
        run("a")
            .settings("dataset.path=\"" + dataset("unlabelled") + "\"", "model.embedding-size=4");
    assertThatThrownBy(
            () ->
                Trainer.explain(
                    SPARK.session().sparkContext().conf(),
                    settings.read(TrainSettings::from),
                    settings.read(ModelSettings::from)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("its documents have no labels, and a class to learn needs two");
  }
}
