package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.config.InvalidConfigException;
import io.sluice.config.Settings;
import io.sluice.recurrent.model.OptimizerSettings;
import io.sluice.recurrent.model.OptimizerSpec;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrainSettingsTest {
  /** Every value differs from its default. */
  static final String ALL =
      """
      name = plant
      dataset.path = "hdfs:///datasets/plant"
      registry { path = "hdfs:///models", version = 7 }
      train {
        strategy = parameter-averaging
        epochs = 3
        batch-size = 30
        seed = 42
        optimizer = rmsprop
        learning-rate = 0.02
        weight-decay = 0.1
        schedule = step
        warmup-share = 0.2
        min-learning-rate = 0.001
        decay = 0.25
        decay-epochs = 2
        restart-epochs = 4
        restart-multiplier = 3
        plateau-patience = 6
        max-gradient-norm = 5
        early-stopping-patience = 9
        early-stopping-min-delta = 0.125
        accumulate = 2
        threads = 4
        workers = 3
        averaging-frequency = 2
        log-every-steps = 11
        max-train-windows = 1000
        checkpoint { path = "hdfs:///c", every-epochs = 2, keep = 5, resume = false }
        metrics-path = "hdfs:///m.jsonl"
      }
      """;

  @Test
  void explicitValuesReachTheRecord() {
    TrainSettings settings = Settings.parse(ALL).read(TrainSettings::from);

    assertThat(settings)
        .isEqualTo(
            new TrainSettings(
                "plant",
                "hdfs:///datasets/plant",
                TrainSettings.StrategyKind.PARAMETER_AVERAGING,
                3,
                30,
                42,
                new OptimizerSettings(
                    OptimizerSpec.Algorithm.RMSPROP,
                    0.02,
                    0.001,
                    OptimizerSpec.Schedule.STEP,
                    0.2,
                    0.25,
                    2,
                    4,
                    3,
                    6,
                    0.1,
                    5),
                new TrainSettings.EarlyStopping(9, 0.125),
                Optional.of(2),
                4,
                3,
                2,
                11,
                1000,
                new TrainSettings.Checkpoints("hdfs:///c", 2, 5, false),
                "hdfs:///m.jsonl",
                "hdfs:///models",
                Optional.of(7)));
  }

  @Test
  void everyKeyOfReferenceConfIsRead() {
    TrainSettings settings = Settings.parse("").read(TrainSettings::from);

    assertThat(settings.registryVersion()).isEmpty();
    assertThat(settings.strategy()).isEqualTo(TrainSettings.StrategyKind.LOCAL);
  }

  @Test
  void aBatchIsSharedEvenlyByTheWorkers() {
    Settings settings =
        Settings.parse("train { strategy = parameter-averaging, workers = 3, batch-size = 64 }");

    assertThatThrownBy(() -> settings.read(TrainSettings::from))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "train.batch-size ((text): 1): must be a multiple of workers (3) with strategy = parameter-averaging, but is 64");
  }

  @Test
  void everyPieceOfABatchHasAWindow() {
    Settings local = Settings.parse("train { accumulate = 9, threads = 2, batch-size = 17 }");
    Settings workers =
        Settings.parse(
            "train { strategy = parameter-averaging, accumulate = 5, workers = 4, batch-size = 16 }");

    assertThatThrownBy(() -> local.read(TrainSettings::from))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "train.accumulate ((text): 1): times threads (2) must be at most the 17 windows that batch-size gives to a step, but is 9");
    assertThatThrownBy(() -> workers.read(TrainSettings::from))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "train.accumulate ((text): 1): times threads (1) must be at most the 4 windows that batch-size gives to each worker, but is 5");
  }

  @Test
  void everyThreadHasAWindow() {
    Settings settings = Settings.parse("train { threads = 3, batch-size = 2 }");

    assertThatThrownBy(() -> settings.read(TrainSettings::from))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "train.threads ((text): 1): must be at most the 2 windows that batch-size gives to a step, but is 3");
  }

  @Test
  void microBatchesAreLeftToTheMemoryPlanUnlessGiven() {
    assertThat(Settings.parse("").read(TrainSettings::from).accumulate()).isEmpty();
  }

  @Test
  void aPlateauLowersTheRateBeforeTheRunStopsEarly() {
    Settings settings =
        Settings.parse(
            "train { schedule = plateau, plateau-patience = 3, early-stopping-patience = 3 }");

    assertThatThrownBy(() -> settings.read(TrainSettings::from))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "train.plateau-patience ((text): 1): must be below early-stopping-patience (3) with schedule = plateau, or the run stops before the rate is lowered, but is 3");
  }

  @Test
  void aVersionIsANumberOrAuto() {
    Settings settings = Settings.parse("registry.version = newest");

    assertThatThrownBy(() -> settings.read(TrainSettings::from))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "registry.version ((text): 1): must be an integer, but is \"newest\"");
  }
}
