package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.config.InvalidConfigException;
import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.failure.InvalidInputException;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.text.TextBuilder;
import io.sluice.sequences.text.TextSettings;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.Vocabulary;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * From raw text to a language model. The text counts aloud and now and then stops for a random
 * while, after which it goes on where it was: only a state that is carried over knows where.
 */
class TrainingOnStreamTest {
  @RegisterExtension static final LocalSpark SPARK = LocalSpark.of(4);

  private static final String[] DIGITS = {"zero", "one", "two", "three", "four", "five"};

  /** 160 tokens in each of 6 streams: 18 steps of 9. */
  private static final String[] SETTINGS = {
    "model.embedding-size=5",
    "model.output=sequence",
    "model.hidden-sizes=[7,6]",
    "train.batch-size=6",
    "train.bptt-steps=9",
    "train.log-every-steps=1"
  };

  /** All that is drawn by the example or by the step. */
  private static final String[] DROPPED = {
    "model.dropout=0.2",
    "model.variational-dropout=true",
    "model.recurrent-dropout=0.1",
    "model.weight-dropout=0.2",
    "model.embedding-dropout=0.1",
    "model.temporal-activation-regularization=0.5",
    "train.bptt-varied=true"
  };

  /** Two replicas of two stages. */
  private static final String[] STAGED = {
    "train.strategy=pipeline",
    "train.workers=4",
    "train.accumulate=2",
    "train.pipeline { placement = [0, 1, 1], time-chunk = 4 }"
  };

  @TempDir static Path shared;
  @TempDir Path folder;

  @BeforeAll
  static void buildDatasets() throws IOException {
    var random = new Random(4);
    var text = new StringBuilder();
    for (int token = 0, digit = 0; token < 1200; token++) {
      boolean waits = random.nextInt(4) == 0;
      text.append(waits ? "er" : DIGITS[digit++ % DIGITS.length])
          .append(token % 10 == 9 ? '\n' : ' ');
    }
    Files.writeString(shared.resolve("counting.txt"), text);
    Files.writeString(shared.resolve("short.txt"), "zero one two three four five zero one two");
    Files.writeString(shared.resolve("one.txt"), "zero");
    build("counting", "source.path = \"%s/counting.txt\", split.validation = 0.2");
    build("short", "source { path = \"%1$s/short.txt\", validation-path = \"%1$s/counting.txt\" }");
    build("blind", "source { path = \"%1$s/counting.txt\", validation-path = \"%1$s/one.txt\" }");
    // the same words in the other order: the rarest first
    Files.writeString(
        shared.resolve("rarest-first.jsonl"),
        reversed(TextDataset.open(dataset("counting"), new Configuration()).vocabulary()));
    build(
        "reversed",
        "source.path = \"%1$s/counting.txt\", split.validation = 0.2, text.vocabulary.path = \"%1$s/rarest-first.jsonl\"");
    build(
        "narrow", "source { path = \"%1$s/counting.txt\", validation-path = \"%1$s/short.txt\" }");
  }

  private static String reversed(Vocabulary vocabulary) {
    var lines = new StringBuilder();
    int last = vocabulary.size() - 1;
    for (int id = 0; id <= last; id++) {
      lines.append(
          "{\"id\":%d,\"token\":\"%s\",\"count\":%d}%n"
              .formatted(id, vocabulary.token(last - id), vocabulary.count(last - id)));
    }
    return lines.toString();
  }

  private static void build(String name, String source) {
    Settings settings =
        Settings.parse(
            """
            name = counting
            lake.root = "%1$s"
            dataset { path = "%1$s/%2$s", layout = stream }
            source.format = text
            split { validation = 0, test = 0 }
            text { tokens = whitespace, vocabulary.min-count = 1 }
            """
                    .formatted(shared, name)
                + source.formatted(shared));
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

  private static String[] with(String[] some, String... more) {
    String[] all = Arrays.copyOf(some, some.length + more.length);
    System.arraycopy(more, 0, all, some.length, more.length);
    return all;
  }

  private static List<Double> losses(TrainerRun run, TrainReport report) {
    var losses = new ArrayList<Double>();
    for (String line : run.metrics(report)) {
      var node = TrainerRun.json(line);
      losses.add(node.get("loss").asDouble());
      if (node.has("validationLoss")) {
        losses.add(node.get("validationLoss").asDouble());
      }
    }
    return losses;
  }

  @Test
  void aLanguageModelRemembersWhatItReadStepsAgo() {
    TrainReport report =
        run("lake")
            .trainOn(
                dataset("counting"),
                with(
                    SETTINGS,
                    "model.hidden-sizes=[24]",
                    "train.bptt-steps=2",
                    "train.learning-rate=0.03",
                    "train.epochs=12"));

    // knowing the place: ln 4/3 · 3/4 + ln 4 · 1/4; without memory a word after "er" is one of six
    double entropy = 0.75 * Math.log(4 / 3.0) + 0.25 * Math.log(4);
    assertThat(report.bestValidationLoss()).isLessThan(entropy + 0.15);
    assertThat(report.trainWindows()).isEqualTo(6 * (960 / 6 - 1));
    assertThat(report.validationWindows()).isEqualTo(6 * (240 / 6 - 1));
    assertThat(report.droppedWindowsPerEpoch()).isZero();
    ModelBundle bundle = ModelBundle.open(report.bundle().uri(), new Configuration());
    TextDataset dataset = TextDataset.open(dataset("counting"), new Configuration());
    assertThat(bundle.manifest().text().contract()).isEqualTo(dataset.contract());
    assertThat(dataset.contract().layout()).isEqualTo(TextContract.Layout.STREAM);
    assertThat(bundle.spec().head().outputs()).isEqualTo(dataset.vocabulary().size());
  }

  @ParameterizedTest
  @CsvSource({
    "gradient-sharing, full",
    "local, full",
    "pipeline, full",
    "gradient-sharing, adaptive",
    "local, adaptive",
    "pipeline, adaptive"
  })
  void ranksThreadsAndMicroBatchesLearnWhatOneProcessDoes(String strategy, String softmax) {
    // a head that is tied has its weights at the other end of a pipeline
    boolean isTied = strategy.equals("pipeline") && softmax.equals("full");
    String[] settings =
        with(
            with(SETTINGS, DROPPED),
            "train.optimizer=sgd",
            "train.epochs=2",
            "model.embedding-tied=" + isTied);
    if (softmax.equals("adaptive")) {
      settings =
          with(
              settings,
              "model.softmax=adaptive",
              "model.softmax-cutoffs=[3,6]",
              "model.softmax-divide=2");
    }
    TrainerRun alone = run("alone");
    TrainReport one = alone.trainOn(dataset("counting"), settings);
    TrainerRun together = run("together");
    String[] cut =
        switch (strategy) {
          case "local" -> new String[] {"train.threads=2", "train.accumulate=2"};
          case "pipeline" -> STAGED;
          default ->
              new String[] {
                "train.strategy=gradient-sharing",
                "train.workers=3",
                "train.batch-size=30",
                "train.batch-per-worker=2"
              };
        };

    TrainReport many = together.trainOn(dataset("counting"), with(settings, cut));

    Checkpoint expected = alone.checkpoint(one);
    Checkpoint actual = together.checkpoint(many);
    assertThat(actual.position().step()).isEqualTo(expected.position().step());
    for (int p = 0; p < expected.parameters().length; p++) {
      assertThat(actual.parameters()[p]).isCloseTo(expected.parameters()[p], within(2e-5f));
    }
    List<Double> expectedLosses = losses(alone, one);
    List<Double> actualLosses = losses(together, many);
    assertThat(actualLosses).hasSameSizeAs(expectedLosses);
    for (int k = 0; k < expectedLosses.size(); k++) {
      assertThat(actualLosses.get(k)).isCloseTo(expectedLosses.get(k), within(2e-5));
    }
  }

  @Test
  void rowsOnTwoStagesTakeNoRatesByLayer() {
    String[] settings =
        with(with(SETTINGS, STAGED), "model.embedding-tied=true", "train.fine-tune.layer-decay=2");

    assertThatThrownBy(() -> run("refused").trainOn(dataset("counting"), settings))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessage(
            "Invalid configuration for this run, 1 problem(s):\n  - train.fine-tune: layer-decay must be 1 and gradual-unfreezing false with strategy = pipeline and model.embedding-tied, whose rows learn on two stages at once");
  }

  @Test
  void wordsOfAStreamAreNotMoved() {
    assertThatThrownBy(
            () ->
                run("refused")
                    .trainOn(dataset("counting"), with(SETTINGS, "model.adversarial-epsilon=0.5")))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "model.adversarial-epsilon: must be 0, because streams carry one state over their steps, but is 0.5");
  }

  @ParameterizedTest
  @CsvSource({"local, 1", "gradient-sharing, 3", "pipeline, 4"})
  void aRunGoesOnWithinAnEpochWithItsStatesAtAnyNumberOfRanks(String strategy, int ranks)
      throws IOException {
    String[] settings =
        with(
            with(SETTINGS, DROPPED),
            "train.epochs=2",
            "train.average-decay=0.9",
            "train.checkpoint { every-steps = 5, keep = 100 }");
    TrainerRun whole = run("whole");
    TrainReport uncut = whole.trainOn(dataset("counting"), settings);
    Path saved = Files.createDirectories(folder.resolve("cut/runs/sine/checkpoints"));
    int steps = (int) uncut.steps() / 2;
    String middle = "epoch-00001-step-%09d.checkpoint".formatted(steps + 5);
    Files.copy(folder.resolve("whole/runs/sine/checkpoints/" + middle), saved.resolve(middle));
    TrainerRun cut = run("cut");
    String[] ranked =
        strategy.equals("pipeline")
            ? STAGED
            : new String[] {"train.strategy=" + strategy, "train.workers=" + ranks};

    TrainReport resumed =
        cut.trainOn(dataset("counting"), ranks == 1 ? settings : with(settings, ranked));

    assertThat(resumed.resumedFrom()).endsWith(middle);
    assertThat(resumed.steps()).isEqualTo(uncut.steps());
    Checkpoint expected = whole.checkpoint(uncut);
    Checkpoint actual = cut.checkpoint(resumed);
    assertThat(expected.carriedStates()).isEmpty();
    for (int p = 0; p < expected.parameters().length; p++) {
      assertThat(actual.parameters()[p])
          .isCloseTo(expected.parameters()[p], within(ranks == 1 ? 0 : 2e-5f));
    }
    assertThat(resumed.lastValidationLoss())
        .isCloseTo(uncut.lastValidationLoss(), within(ranks == 1 ? 0 : 2e-5));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gradient-sharing", "pipeline"})
  void ranksSaveTheStatesOfAllStreams(String strategy) throws IOException {
    String[] settings =
        with(
            with(SETTINGS, STAGED),
            "train.epochs=1",
            "train.strategy=" + strategy,
            "train.checkpoint { every-steps = 5, keep = 100 }");
    TrainerRun ranked = run("ranked");
    ranked.trainOn(dataset("counting"), settings);
    TrainerRun alone = run("alone");
    alone.trainOn(dataset("counting"), with(settings, "train.strategy=local"));

    float[] expected = states("alone");
    float[] actual = states("ranked");

    assertThat(expected).hasSize(6 * 2 * (7 + 6));
    for (int k = 0; k < expected.length; k++) {
      assertThat(actual[k])
          .isCloseTo(expected[k], within(1e-5f * Math.max(1, Math.abs(expected[k]))));
    }
    assertThat(Arrays.copyOf(expected, 7)).doesNotContain(0f);
  }

  private float[] states(String lake) {
    return CheckpointFiles.read(
            folder.resolve(lake + "/runs/sine/checkpoints/epoch-00000-step-000000010.checkpoint"))
        .carriedStates();
  }

  @Test
  void settingsThatDoNotGoWithStreamsAreRefused() {
    refused("model.output: must be sequence, because every token is predicted", "output=last");
    refused("model.bidirectional: must be false, because it would read", "bidirectional=true");
    refused(
        "model.attention: must be none, because",
        "attention=self-attention",
        "model.attention-heads=2");
    refused("model.class-weights: must be [], because", "class-weights=[1,2]");
    for (String strategy : new String[] {"parameter-averaging", "async-gradient-sharing"}) {
      assertThatThrownBy(
              () ->
                  run("refused")
                      .trainOn(dataset("counting"), with(SETTINGS, "train.strategy=" + strategy)))
          .isInstanceOf(InvalidConfigException.class)
          .hasMessageContaining(
              "train.strategy: must be gradient-sharing, pipeline, local or auto, whose ranks keep the states of their streams from step to step, but is "
                  + strategy);
    }
  }

  @Test
  void anAdaptiveSoftmaxWantsTheFrequentWordsFirst() {
    String[] adaptive =
        with(
            SETTINGS,
            "model.softmax=adaptive",
            "model.softmax-cutoffs=[2]",
            "model.softmax-divide=2",
            "train.epochs=1");

    assertThatThrownBy(() -> run("reversed").trainOn(dataset("reversed"), adaptive))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "model.softmax: must be full where ids are not in the order of counts, the largest first: the 2 words before the first of model.softmax-cutoffs are ")
        .hasMessageEndingWith(
            "Set model.softmax = full, or rebuild with a vocabulary that build-sequences counts (neither text.vocabulary.path nor text.tokenizer-path)");
    assertThat(run("counted").trainOn(dataset("counting"), adaptive).bestValidationLoss())
        .isFinite();
  }

  private void refused(String told, String setting, String... more) {
    String[] all = with(with(SETTINGS, more), "model." + setting);
    assertThatThrownBy(() -> run("refused").trainOn(dataset("counting"), all))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(told);
  }

  @Test
  void textsThatAreTooShortAreRefused() {
    assertThatThrownBy(() -> run("a").trainOn(dataset("short"), SETTINGS))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(
            "its train split has 9 tokens, and 6 streams (train.batch-size) of at least 2 need 12. Lower train.batch-size to at most 4, or");
    assertThatThrownBy(() -> run("b").trainOn(dataset("blind"), SETTINGS))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("its validation split has 1 tokens, and a loss needs 2.");
  }

  @Test
  void aShortTextIsValidatedInFewerStreams() {
    TrainReport report = run("narrow").trainOn(dataset("narrow"), with(SETTINGS, "train.epochs=1"));

    assertThat(report.validationWindows()).isEqualTo(9 - 1);
    assertThat(report.bestValidationLoss()).isFinite();
  }
}
