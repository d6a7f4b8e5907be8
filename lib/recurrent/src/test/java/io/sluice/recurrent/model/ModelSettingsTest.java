package io.sluice.recurrent.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.config.InvalidConfigException;
import io.sluice.config.Settings;
import io.sluice.recurrent.head.AdaptiveSoftmax;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.optim.Adam;
import io.sluice.recurrent.optim.DecoupledWeightDecay;
import io.sluice.recurrent.optim.GlobalNormClipping;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.schedule.FixedSchedule;
import org.nd4j.linalg.schedule.ISchedule;

class ModelSettingsTest {
  @Test
  void explicitValuesReachTheRecord() {
    ModelSettings model =
        read(
            """
            model {
              cell = peephole-lstm, hidden-sizes = [31, 7], bidirectional = true, dropout = 0.15
              output = sequence, head = quantiles, quantiles = [0.2, 0.6], class-weights = [2.0, 3.0]
              forget-bias = 0.5, dense-sizes = [12], precision = bf16
              attention = self-attention, attention-size = 9, attention-heads = 2, layer-norm = true,
              variational-dropout = true, recurrent-dropout = 0.35
              embedding-size = 21, embedding-dropout = 0.05, embedding-tied = true
              input-dropout = 0.65, output-dropout = 0.45, weight-dropout = 0.55
              activation-regularization = 2.5, temporal-activation-regularization = 1.5
              softmax-divide = 3
            }
            """);

    assertThat(model)
        .isEqualTo(
            new ModelSettings(
                Cell.PEEPHOLE_LSTM,
                List.of(31, 7),
                true,
                0.15,
                ModelSpec.Output.SEQUENCE,
                ModelSettings.HeadChoice.QUANTILES,
                List.of(0.2, 0.6),
                List.of(2.0, 3.0),
                0.5,
                List.of(12),
                Precision.BF16,
                Attention.Kind.SELF_ATTENTION,
                9,
                2,
                true,
                true,
                0.35,
                new ModelSettings.EmbeddingChoice(21, false, 0.05, true, 0),
                new Regularizers(0.65, 0.45, 0.55, 2.5, 1.5),
                new ModelSettings.SoftmaxChoice(
                    ModelSettings.SoftmaxChoice.Kind.FULL, List.of(), 3)));
  }

  @Test
  void adaptiveSoftmaxIsOfWordsAndTakesItsCutoffsFromTheirNumber() {
    String words = "embedding-size = 16, hidden-sizes = [64], softmax = adaptive";

    assertThat(read("model { " + words + " }").toSpec(1, 35, 1, 10_000, 10_000).head())
        .isEqualTo(
            Head.classes(10_000, List.of()).with(new AdaptiveSoftmax(List.of(2000, 8000), 4)));
    ModelSettings given =
        read("model { " + words + ", softmax-cutoffs = [30, 90], softmax-divide = 2 }");
    assertThat(given.softmax())
        .isEqualTo(
            new ModelSettings.SoftmaxChoice(
                ModelSettings.SoftmaxChoice.Kind.ADAPTIVE, List.of(30, 90), 2));
    assertThat(given.toSpec(1, 35, 1, 100, 100).head().adaptive())
        .isEqualTo(new AdaptiveSoftmax(List.of(30, 90), 2));
    assertThatThrownBy(() -> given.toSpec(1, 35, 1, 90, 90))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "model.softmax-cutoffs: must be below the 90 words, but the last is 90");
    assertThatThrownBy(() -> given.toSpec(1, 35, 1, 2, 100))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "model.softmax: must be full where the network does not predict words, whose ids are ordered by count: the dataset has 2 classes");
    assertThatThrownBy(
            () ->
                read("model { embedding-size = 16, hidden-sizes = [3], softmax = adaptive }")
                    .toSpec(1, 35, 1, 100, 100))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "model.softmax-divide: must leave each cluster at least 1 of the 3 inputs, but cluster 1 has 3 / 4^1; lower it, or have fewer cutoffs");
  }

  @Test
  void settingsOfASoftmaxThatDoNotGoTogetherAreRefused() {
    assertThatThrownBy(() -> read("model { softmax = adaptive, softmax-cutoffs = [5, 5] }"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining("model.softmax-cutoffs")
        .hasMessageContaining("must ascend, but are [5, 5]");
    assertThatThrownBy(() -> read("model { softmax-cutoffs = [5] }"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining("must be [] with softmax = full, but are [5]");
    assertThatThrownBy(
            () -> read("model { softmax = adaptive, embedding-size = 8, embedding-tied = true }"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "must be full with embedding-tied = true: an adaptive softmax has shorter rows for rare words than the embedding");
  }

  @Test
  void referenceSettingsDescribeARegressionOnNumbersAndClassesOnClasses() {
    ModelSettings model = read("");

    assertThat(model.toSpec(7, 96, 168, 0).head()).isEqualTo(Head.regression(168));
    assertThat(model.toSpec(7, 96, 1, 2).head()).isEqualTo(Head.classes(2, List.of()));
    assertThat(model.toSpec(7, 96, 168, 0).hiddenSizes()).isEqualTo(List.of(64, 64));
  }

  @Test
  void quantilesMakeAQuantileHead() {
    ModelSpec spec = read("model.quantiles = [0.1, 0.5, 0.9]").toSpec(7, 96, 24, 0);

    assertThat(spec.head()).isEqualTo(Head.quantiles(24, List.of(0.1, 0.5, 0.9)));
    assertThat(spec.outputSize()).isEqualTo(72);
  }

  @Test
  void attentionOfTheSpecHasWhatItsKindNeeds() {
    String layers = "hidden-sizes = [8, 6], bidirectional = true, attention-heads = 3";

    assertThat(read("").toSpec(7, 96, 24, 0).attention()).isEqualTo(Attention.NONE);
    assertThat(spec("attention = additive, " + layers)).isEqualTo(Attention.additive(12));
    assertThat(spec("attention = additive, attention-size = 5")).isEqualTo(Attention.additive(5));
    assertThat(spec("attention = self-attention, " + layers)).isEqualTo(Attention.self(3));
  }

  private static Attention spec(String model) {
    return read("model { " + model + " }").toSpec(7, 96, 24, 0).attention();
  }

  @Test
  void wordsAreReadThroughAnEmbeddingAndNumbersAreNot() {
    ModelSettings model =
        read("model { embedding-size = 16, embedding-frozen = true, embedding-dropout = 0.1 }");

    assertThat(model.toSpec(1, 35, 1, 500, 700).embedding())
        .isEqualTo(new WordEmbedding(700, 16, true, 0.1, false));
    assertThat(read("").toSpec(1, 35, 1, 0).embedding()).isEqualTo(WordEmbedding.NONE);
    assertThatThrownBy(() -> model.toSpec(1, 35, 1, 500))
        .hasMessageContaining(
            "model.embedding-size: must be 0 for a dataset whose inputs are numbers, but is 16");
    assertThatThrownBy(() -> read("").toSpec(1, 35, 1, 500, 700))
        .hasMessageContaining(
            "model.embedding-size: must be at least 1 for a dataset of 700 words, but is 0");
    ModelSettings tied = read("model { embedding-size = 16, embedding-tied = true }");
    assertThat(tied.toSpec(1, 35, 1, 700, 700).hasProjection()).isTrue();
    assertThatThrownBy(() -> tied.toSpec(1, 35, 1, 500, 700))
        .hasMessageContaining(
            "model.embedding-tied: must be false where the 500 classes are not the 700 words of the input");
    assertThatThrownBy(() -> tied.toSpec(1, 35, 1, 0, 700))
        .hasMessageContaining(
            "model.embedding-tied: must be false where the target is a number and not the 700 words of the input");
  }

  @Test
  void embeddingThatIsNoneAndFrozenHeadsAreRefused() {
    assertThatThrownBy(() -> read("model { embedding-dropout = 0.1 }"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "must be at least 1 with embedding-frozen, embedding-dropout, embedding-tied or adversarial-epsilon, but is 0");
    assertThatThrownBy(() -> read("model { adversarial-epsilon = 1 }"))
        .hasMessageContaining("model.embedding-size");
    assertThatThrownBy(
            () ->
                read(
                    "model { embedding-size = 3, embedding-frozen = true, adversarial-epsilon = 1.5 }"))
        .hasMessageContaining("model.adversarial-epsilon")
        .hasMessageContaining(
            "must be 0 with embedding-frozen = true, whose rows have no gradient to move along, but is 1.5");
    assertThatThrownBy(
            () ->
                read(
                    "model { embedding-size = 3, embedding-frozen = true, embedding-tied = true }"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "must be false with embedding-tied = true: the head's weights have to learn");
  }

  @Test
  void denseLayersBelowAClassAtEveryStepAreRefused() {
    ModelSettings model = read("model { output = sequence, dense-sizes = [8] }");

    assertThat(model.toSpec(1, 35, 1, 0).denseSizes()).containsExactly(8);
    assertThatThrownBy(() -> model.toSpec(1, 35, 1, 3))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "model.dense-sizes: must be [] where each step has a class to predict (model.output = sequence), but are [8]");
  }

  @Test
  void attentionThatDoesNotFitTheRestIsRefused() {
    assertThatThrownBy(() -> read("model { attention = additive, output = mean }"))
        .hasMessageContaining(
            "model.output ((text): 1): must be last with attention = additive, which takes the place of the last step, but is mean");
    assertThatThrownBy(
            () ->
                read(
                    "model { attention = self-attention, hidden-sizes = [64, 6], attention-heads = 4 }"))
        .hasMessageContaining(
            "model.attention-heads ((text): 1): must divide the 6 units of the last recurrent layer, but is 4");
    assertThatThrownBy(
            () ->
                read(
                    "model { attention = self-attention, hidden-sizes = [7], bidirectional = true, attention-heads = 3 }"))
        .hasMessageContaining(
            "model.attention-heads ((text): 1): must divide the 14 units of the last recurrent layer (both directions), but is 3");
    // no part without self-attention
    assertThat(read("model { hidden-sizes = [7], attention-heads = 3 }").attentionHeads())
        .isEqualTo(3);
  }

  @Test
  void everyProblemIsReported() {
    assertThatThrownBy(
            () ->
                read(
                    """
                    model { cell = lstmm, hidden-sizes = [0], dropout = 1.0, quantiles = [1.5] }
                    """))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContainingAll(
            "4 problem(s)",
            "model.cell ((text): 1): must be one of [lstm, peephole-lstm, layernorm-lstm, gru, rnn], but is \"lstmm\"; did you mean lstm?",
            "model.hidden-sizes ((text): 1): must have values of at least 1, but value 1 is 0",
            "model.dropout ((text): 1): must be between 0.0 and 0.95, but is 1.0",
            "model.quantiles ((text): 1): must have values in (0.0, 1.0), but value 1 is 1.5");
  }

  @Test
  void rulesAcrossKeysAreReported() {
    assertThatThrownBy(() -> read("model.hidden-sizes = []"))
        .hasMessageContaining(
            "model.hidden-sizes ((text): 1): must name at least one layer, but is []");
    assertThatThrownBy(() -> read("model.quantiles = [0.9, 0.1]"))
        .hasMessageContaining("model.quantiles ((text): 1): must ascend, but are [0.9, 0.1]");
    assertThatThrownBy(() -> read("model.head = quantiles"))
        .hasMessageContaining(
            "must name at least one with head = quantiles, [0.1, 0.5, 0.9] for example");
    assertThatThrownBy(() -> read("model { head = classes, quantiles = [0.5] }"))
        .hasMessageContaining(
            "model.head ((text): 1): must be quantiles or auto where model.quantiles are given, but is classes");
  }

  @Test
  void headThatDoesNotFitTheDatasetIsRefused() {
    assertThatThrownBy(
            () ->
                read("model { head = regression, class-weights = [1, 2, 3] }").toSpec(7, 96, 1, 2))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessage(
            """
            Invalid configuration for this dataset, 2 problem(s):
              - model.head: must be classes or auto for a dataset with 2 classes, but is regression
              - model.class-weights: must have one weight a class (2), but has 3""");
    assertThatThrownBy(
            () -> read("model { head = classes, class-weights = [1] }").toSpec(7, 96, 24, 0))
        .hasMessage(
            """
            Invalid configuration for this dataset, 2 problem(s):
              - model.head: must not be classes for a dataset whose target is a number
              - model.class-weights: must be [] for a dataset whose target is a number, but are [1.0]""");
  }

  @Test
  void optimizerSettingsBecomeSteps() {
    OptimizerSettings settings =
        Settings.parse(
                """
                train {
                  optimizer = nesterovs, learning-rate = 0.2, min-learning-rate = 0.02
                  schedule = step, warmup-share = 0.1, decay = 0.25, decay-epochs = 3
                  first-decay-epochs = 4, restart-epochs = 2, restart-multiplier = 5
                  weight-decay = 0.03, max-gradient-norm = 4.0
                  fine-tune { layer-decay = 2.6, gradual-unfreezing = true }
                }
                """)
            .read(OptimizerSettings::from);

    assertThat(settings.toSpec(9, 100))
        .isEqualTo(
            new OptimizerSpec(
                OptimizerSpec.Algorithm.NESTEROVS,
                0.2,
                0.02,
                OptimizerSpec.Schedule.STEP,
                900,
                90,
                0.25,
                300,
                400,
                200,
                5,
                0.03,
                4.0,
                new LayerRates(2.6, 100)));
  }

  @Test
  void aSlantedTriangleBeginsAndEndsAtAShareOfItsPeak() {
    OptimizerSpec spec =
        Settings.parse(
                """
                train {
                  learning-rate = 0.32, schedule = slanted-triangular
                  warmup-share = 0.1, slant-ratio = 16
                }
                """)
            .read(OptimizerSettings::from)
            .toSpec(2, 50);

    ISchedule rate = spec.learningRateSchedule();

    assertThat(rate.valueAt(0, 0)).isEqualTo(0.02);
    // half way up, at the peak, half way down: 10 + 45
    assertThat(rate.valueAt(5, 0)).isCloseTo(0.17, within(1e-12));
    assertThat(rate.valueAt(10, 0)).isEqualTo(0.32);
    assertThat(rate.valueAt(55, 0)).isCloseTo(0.17, within(1e-12));
    assertThat(rate.valueAt(100, 0)).isCloseTo(0.02, within(1e-12));
  }

  @Test
  void runOfOneStepDoesNotWarmUp() {
    OptimizerSpec spec =
        Settings.parse("train.warmup-share = 0.9").read(OptimizerSettings::from).toSpec(1, 1);

    assertThat(spec.warmupSteps()).isZero();
  }

  @ParameterizedTest
  @EnumSource(
      value = OptimizerSpec.Algorithm.class,
      names = {"ADAM", "ADAMW"})
  void adamIsThatOfItsAuthors(OptimizerSpec.Algorithm algorithm) {
    var spec =
        new OptimizerSpec(
            algorithm, 0.2, 0, OptimizerSpec.Schedule.CONSTANT, 9, 0, 1, 1, 1, 1, 0.03, 4);

    assertThat(spec.updater(null, List.of()))
        .isEqualTo(new GlobalNormClipping(new Adam(new FixedSchedule(0.2), 0.9, 0.999, 1e-8), 4));
    assertThat(spec.regularization(null)).containsExactly(new DecoupledWeightDecay(0.03));
  }

  @Test
  void optimizerRulesAreReported() {
    assertThatThrownBy(
            () -> Settings.parse("train.min-learning-rate = 0.5").read(OptimizerSettings::from))
        .hasMessageContaining(
            "train.min-learning-rate ((text): 1): must not be above learning-rate (0.001), but is 0.5");
    assertThatThrownBy(
            () -> Settings.parse("train.optimizer = adamw").read(OptimizerSettings::from))
        .hasMessageContaining("must be above 0 with optimizer = adamw");
    assertThatThrownBy(
            () ->
                Settings.parse("train { schedule = plateau, decay = 1 }")
                    .read(OptimizerSettings::from))
        .hasMessageContaining(
            "train.decay ((text): 1): must be below 1 with schedule = plateau, or no reduction lowers the rate, but is 1.0");
    assertThatThrownBy(
            () -> Settings.parse("train.restart-multiplier = 0").read(OptimizerSettings::from))
        .hasMessageContaining(
            "train.restart-multiplier ((text): 1): must be between 1 and 100, but is 0");
  }

  @Test
  void everyScheduleWarmsUpAndThenDoesWhatItsNameSays() {
    for (OptimizerSpec.Schedule schedule : OptimizerSpec.Schedule.values()) {
      ISchedule rate =
          new OptimizerSpec(
                  OptimizerSpec.Algorithm.ADAM, 0.8, 0.08, schedule, 100, 9, 0.5, 20, 13, 2, 0, 1)
              .learningRateSchedule(List.of(30, 40, 60, 99));

      double[] expected =
          switch (schedule) {
            case CONSTANT -> new double[] {0.08, 0.8, 0.8, 0.8};
            // half way from step 9 to step 100 at 54.5
            case COSINE ->
                new double[] {0.08, 0.8, 0.44 + 0.36 * Math.cos(Math.PI * 31 / 91), 0.08};
            // cycles of 13, 26 and 52 steps from step 9 on: 22, 48, 100
            case COSINE_RESTARTS ->
                new double[] {0.08, 0.8, 0.44 + 0.36 * Math.cos(Math.PI * 18 / 26), 0.8};
            case STEP -> new double[] {0.08, 0.8, 0.2, 0.025};
            case EXPONENTIAL -> new double[] {0.08, 0.8 * Math.pow(0.5, 0.45), 0.2, 0.025};
            // lowered from steps 30, 40, 60 and 99 on: 0.05 is below the floor
            case PLATEAU -> new double[] {0.08, 0.8, 0.2, 0.08};
            // rises itself, from its floor
            case SLANTED_TRIANGULAR -> new double[] {0.08, 0.8, 0.8 - 0.72 * 31 / 91, 0.08};
          };
      assertThat(rate.valueAt(0, 0))
          .as("%s, first step", schedule)
          .isCloseTo(expected[0], within(1e-9));
      assertThat(rate.valueAt(9, 0))
          .as("%s, after warm-up", schedule)
          .isCloseTo(expected[1], within(1e-9));
      assertThat(rate.valueAt(40, 0))
          .as("%s, step 40", schedule)
          .isCloseTo(expected[2], within(1e-9));
      assertThat(rate.valueAt(100, 0))
          .as("%s, the end", schedule)
          .isCloseTo(expected[3], within(1e-9));
    }
  }

  private static ModelSettings read(String hocon) {
    return Settings.parse(hocon).read(ModelSettings::from);
  }
}
