package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.config.InvalidConfigException;
import io.sluice.config.Settings;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.model.OptimizerSettings;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.training.allreduce.WireFormat;
import io.sluice.training.async.AsyncSettings;
import io.sluice.training.loop.EarlyStopping;
import io.sluice.training.loop.ThresholdSettings;
import io.sluice.training.sharing.GradientSharingSettings;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrainSettingsTest {
  /** Every value differs from its default. */
  static final String ALL =
      """
      name = plant, device = gpu
      dataset.path = "hdfs:///datasets/plant"
      registry { path = "hdfs:///models", version = 7 }
      train {
        strategy = gradient-sharing
        epochs = 3
        batch-size = 30
        batch-per-worker = 12
        shards = 15
        bptt-steps = 70
        bptt-varied = true
        seed = 42
        optimizer = rmsprop
        learning-rate = 0.02
        weight-decay = 0.1
        schedule = step
        warmup-share = 0.2
        slant-ratio = 16
        min-learning-rate = 0.001
        decay = 0.25
        decay-epochs = 2
        first-decay-epochs = 7
        restart-epochs = 4
        restart-multiplier = 3
        plateau-patience = 6
        max-gradient-norm = 5
        early-stopping-patience = 9
        early-stopping-min-delta = 0.125
        average-decay = 0.5
        initial-range = 0.06
        average-patience = 7
        fine-tune { bundle = "hdfs:///models/plant/6", layer-decay = 2.6, gradual-unfreezing = true }
        accumulate = 2
        threads = 4
        workers = 3
        gradient-sharing {
          wire = threshold, threshold = 0.04, density = 0.05, driver-port = 7200, port = 7300
          min-workers = 2, retries = 8
          join-timeout = 7 s, silence-timeout = 11 s, step-timeout = 13 s
        }
        pipeline { stages = 3, placement = [0, 1, 2], time-chunk = 24, wire = bf16, device-memory = 16 GiB }
        async {
          address = "10.0.0.7", port = 7000, executor-port = 7100, threshold = 0.03
          handshake-timeout = 19 s, stall-timeout = 23 s, accept-unauthenticated = true
        }
        averaging-frequency = 2
        log-every-steps = 11
        max-train-windows = 1000
        max-false-alarm-rate = 0.03
        checkpoint { path = "hdfs:///c", every-steps = 12, every = 17 s, every-epochs = 2, keep = 5, resume = false }
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
                DeviceChoice.GPU,
                "hdfs:///datasets/plant",
                TrainSettings.StrategyKind.GRADIENT_SHARING,
                3,
                30,
                Optional.of(12),
                Optional.of(15),
                new TrainSettings.Bptt(70, true),
                42,
                new OptimizerSettings(
                    OptimizerSpec.Algorithm.RMSPROP,
                    0.02,
                    0.001,
                    OptimizerSpec.Schedule.STEP,
                    0.2,
                    16,
                    0.25,
                    2,
                    Optional.of(7),
                    4,
                    3,
                    6,
                    0.1,
                    5,
                    2.6,
                    true),
                new EarlyStopping(9, 0.125),
                0.5,
                7,
                0.06,
                Optional.of("hdfs:///models/plant/6"),
                Optional.empty(),
                Optional.of(2),
                4,
                Optional.of(3),
                new GradientSharingSettings(
                    GradientSharingSettings.Wire.THRESHOLD,
                    new ThresholdSettings(0.04, 0.05),
                    7200,
                    7300,
                    2,
                    8,
                    Duration.ofSeconds(7),
                    Duration.ofSeconds(11),
                    Duration.ofSeconds(13)),
                new PipelineSettings(
                    Optional.of(3),
                    Optional.of(List.of(0, 1, 2)),
                    Optional.of(24),
                    WireFormat.BF16,
                    16L << 30),
                new AsyncSettings(
                    "10.0.0.7",
                    7000,
                    7100,
                    0.03,
                    Duration.ofSeconds(19),
                    Duration.ofSeconds(23),
                    true),
                2,
                11,
                1000,
                Optional.of(0.03),
                new TrainSettings.Checkpoints("hdfs:///c", 12, Duration.ofSeconds(17), 2, 5, false),
                "hdfs:///m.jsonl",
                "hdfs:///models",
                Optional.of(7)));
  }

  @Test
  void everyKeyOfReferenceConfIsRead() {
    TrainSettings settings = Settings.parse("").read(TrainSettings::from);

    assertThat(settings.registryVersion()).isEmpty();
    assertThat(settings.strategy()).isEqualTo(TrainSettings.StrategyKind.AUTO);
    assertThat(settings.shardCount()).isEqualTo(64);
  }

  @Test
  void everyWorkerHasAShardAndEveryShardAWindowOfABatch() {
    Settings workers = Settings.parse("train { workers = 65, batch-size = 130 }");
    Settings small = Settings.parse("train { workers = 17, batch-size = 16 }");
    Settings shards = Settings.parse("train { shards = 33, batch-size = 32 }");

    assertThatThrownBy(() -> workers.read(TrainSettings::from))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "train.workers ((text): 1): must be at most the 64 shards of the train split (raise shards), but is 65");
    assertThatThrownBy(() -> small.read(TrainSettings::from))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "train.workers ((text): 1): must be at most the 16 shards of the train split (one a window of a batch: raise batch-size), but is 17");
    assertThatThrownBy(() -> shards.read(TrainSettings::from))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "train.shards ((text): 1): must be at most batch-size (32), so that a batch has a window of each, but is 33");
  }

  @Test
  void aBatchPerWorkerGrowsWithTheWorkers() {
    TrainSettings settings =
        Settings.parse("train { strategy = gradient-sharing, batch-per-worker = 24 }")
            .read(TrainSettings::from);

    assertThat(settings.with(TrainSettings.StrategyKind.GRADIENT_SHARING, 5).batchSize())
        .isEqualTo(120);
    assertThat(settings.with(TrainSettings.StrategyKind.LOCAL, 1).batchSize()).isEqualTo(24);
    assertThat(settings.with(TrainSettings.StrategyKind.LOCAL, 1).shardCount()).isEqualTo(24);
  }

  @Test
  void averagedParametersHaveNoMovingAverage() {
    Settings settings =
        Settings.parse("train { strategy = parameter-averaging, average-decay = 0.9 }");

    assertThatThrownBy(() -> settings.read(TrainSettings::from))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "train.average-decay ((text): 1): must be 0 with strategy = parameter-averaging, which does not see every step's weights, but is 0.9");
  }

  @Test
  void whatDl4jsOwnWorkersWouldIgnoreIsRefused() {
    refusedOfAsync(
        "threads = 2",
        "train.threads ((text): 1): must be 1 with strategy = async-gradient-sharing, whose workers compute on one thread each (workers are what uses more cores), but is 2");
    refusedOfAsync(
        "accumulate = 3",
        "train.accumulate ((text): 1): must be auto or 1 with strategy = async-gradient-sharing, which cuts no batches, but is 3");
    refusedOfAsync(
        "checkpoint.every-steps = 4",
        "train.checkpoint.every-steps ((text): 1): must be 0 with strategy = async-gradient-sharing, whose driver has a model at the end of an epoch, but is 4");
  }

  private static void refusedOfAsync(String setting, String told) {
    Settings settings =
        Settings.parse("train { strategy = async-gradient-sharing, %s }".formatted(setting));
    assertThatThrownBy(() -> settings.read(TrainSettings::from))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(told);
  }

  @Test
  void anAverageThatWaitsBeginsBeforeTheRunStopsEarly() {
    Settings none = Settings.parse("train.average-patience = 3");
    Settings late =
        Settings.parse(
            "train { average-decay = 1, average-patience = 4, early-stopping-patience = 5 }");
    Settings inTime =
        Settings.parse(
            "train { average-decay = 1, average-patience = 4, early-stopping-patience = 6 }");

    assertThatThrownBy(() -> none.read(TrainSettings::from))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "train.average-patience ((text): 1): must be 0 with average-decay = 0, which keeps no average (1 is their mean), but is 3");
    assertThatThrownBy(() -> late.read(TrainSettings::from))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "train.average-patience ((text): 1): must be at most early-stopping-patience - 2 (3), or the run stops before the average begins, but is 4");
    assertThat(inTime.read(TrainSettings::from).averagePatience()).isEqualTo(4);
  }

  @Test
  void everyPieceOfABatchHasAWindow() {
    Settings local =
        Settings.parse("train { strategy = local, accumulate = 9, threads = 2, batch-size = 17 }");
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
