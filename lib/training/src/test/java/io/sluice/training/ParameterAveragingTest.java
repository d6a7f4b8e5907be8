package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.loop.Windows;
import io.sluice.training.loop.WindowsSource;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

class ParameterAveragingTest {
  private static final String[] PLAIN_DESCENT = {
    "train.optimizer=sgd",
    "train.learning-rate=0.5",
    "train.max-gradient-norm=0",
    "train.schedule=cosine",
    "train.warmup-share=0.2"
  };

  @RegisterExtension static final LocalSpark SPARK = LocalSpark.of(2);

  @TempDir Path folder;

  private TrainerRun run(String name) {
    return new TrainerRun(folder.resolve(name), SPARK.session());
  }

  private static String[] with(String[] some, String... more) {
    var all = java.util.Arrays.copyOf(some, some.length + more.length);
    System.arraycopy(more, 0, all, some.length, more.length);
    return all;
  }

  @Test
  void averagingEveryStepOfPlainDescentIsOneProcessOnTheSameBatches() {
    // 200 windows in batches of 15: parts of 8 and 7 windows, 3 and 2 at the end
    LearnableWindows dataset = new SineWindows(200, 50).learnable();
    TrainerRun local = run("local");
    String[] settings =
        with(
            PLAIN_DESCENT,
            "train.batch-size=15",
            "train.fine-tune.layer-decay=2",
            "train.fine-tune.gradual-unfreezing=true");
    Checkpoint one = local.checkpoint(local.train(dataset, settings));
    TrainerRun averaged = run("averaged");

    TrainReport report =
        averaged.train(
            dataset,
            with(
                settings,
                "train.strategy=parameter-averaging",
                "train.workers=2",
                "train.averaging-frequency=1",
                "train.threads=2",
                "train.accumulate=2"));

    Checkpoint two = averaged.checkpoint(report);
    assertThat(report.steps()).isEqualTo(4 * 14);
    assertThat(two.position().validationLoss())
        .isCloseTo(one.position().validationLoss(), within(1e-5));
    assertThat(one.parameters()).hasSameSizeAs(two.parameters());
    for (int i = 0; i < one.parameters().length; i++) {
      // float32 sums of 56 steps in another order
      assertThat(two.parameters()[i]).isCloseTo(one.parameters()[i], within(2e-5f));
    }
  }

  @Test
  void workersFollowAPlateauAsOneProcessDoes() {
    String[] plateau =
        with(
            PLAIN_DESCENT,
            "train.schedule=plateau",
            "train.plateau-patience=1",
            "train.decay=0.1",
            "train.early-stopping-min-delta=100");
    LearnableWindows dataset = new SineWindows(64, 16).learnable();
    TrainerRun local = run("local");
    Checkpoint one = local.checkpoint(local.train(dataset, plateau));
    TrainerRun averaged = run("averaged");

    Checkpoint two =
        averaged.checkpoint(
            averaged.train(
                dataset,
                with(
                    plateau,
                    "train.strategy=parameter-averaging",
                    "train.workers=2",
                    "train.averaging-frequency=1")));

    assertThat(two.position().rateReductions())
        .isEqualTo(one.position().rateReductions())
        .hasSize(3);
    for (int i = 0; i < one.parameters().length; i++) {
      // float32 sums of 16 steps in another order
      assertThat(two.parameters()[i]).isCloseTo(one.parameters()[i], within(2e-5f));
    }
  }

  @Test
  void learnsASineWithFewAverages() {
    // 12 whole batches and one of 8 windows; averages after 5, 10 and 13 steps
    TrainReport report =
        run("uneven")
            .train(
                new SineWindows(200, 50).learnable(),
                "train.strategy=parameter-averaging",
                "train.workers=2",
                "train.averaging-frequency=5",
                "train.epochs=12");

    // the sine has a variance of 0.5: a network that learned nothing has that loss
    assertThat(report.bestValidationLoss()).isLessThan(0.25);
    assertThat(report.steps()).isEqualTo(12 * 13);
    assertThat(report.droppedWindowsPerEpoch()).isZero();
    assertThat(report.distanceMoved()).isGreaterThan(0.1);
  }

  @Test
  void resumedRunEqualsUninterruptedRun() {
    String[] settings = {
      "train.strategy=parameter-averaging",
      "train.workers=2",
      "model.dropout=0.2",
      "model.hidden-sizes=[5,4]"
    };
    LearnableWindows dataset = new SineWindows(200, 50).learnable();
    TrainerRun whole = run("whole");
    // the schedule of four epochs, stopped after two by a patience that ignores small gains
    Checkpoint expected = whole.checkpoint(whole.train(dataset, settings));
    TrainerRun parts = run("parts");
    TrainReport half =
        parts.train(
            dataset,
            with(
                settings, "train.early-stopping-patience=1", "train.early-stopping-min-delta=100"));
    assertThat(half.epochs()).isEqualTo(2);

    TrainReport rest = parts.train(dataset, settings);

    Checkpoint actual = parts.checkpoint(rest);
    assertThat(rest.resumedFrom()).isEqualTo(half.checkpoint());
    assertThat(actual.parameters()).isEqualTo(expected.parameters());
    assertThat(actual.optimizer()).isEqualTo(expected.optimizer());
  }

  @Test
  void theGradientNormOfOneWorkerIsThatOfOneProcess() {
    String[] settings = with(PLAIN_DESCENT, "train.epochs=1", "train.log-every-steps=1");
    LearnableWindows dataset = new SineWindows(64, 16).learnable();
    TrainerRun local = run("local");
    List<JsonNode> one = local.stepMetrics(local.train(dataset, settings));
    TrainerRun averaged = run("averaged");

    List<JsonNode> worker =
        averaged.stepMetrics(
            averaged.train(
                dataset,
                with(
                    settings,
                    "train.strategy=parameter-averaging",
                    "train.workers=1",
                    "train.averaging-frequency=1")));

    assertThat(worker).hasSameSizeAs(one).hasSize(4);
    for (int i = 0; i < one.size(); i++) {
      assertThat(worker.get(i).get("gradientNorm").asDouble())
          .isCloseTo(one.get(i).get("gradientNorm").asDouble(), withinPercentage(0.001));
    }
  }

  @Test
  void theGradientNormOfWorkersIsTheMeanOfTheirs() {
    // each worker's share of the only batch is the whole train split of one of two local runs
    LearnableWindows both = new SineWindows(16, 16).learnable();
    TrainerRun averaged = run("both");
    TrainReport report =
        averaged.train(
            both,
            with(
                PLAIN_DESCENT,
                "train.epochs=1",
                "train.log-every-steps=1",
                "train.strategy=parameter-averaging",
                "train.workers=2",
                "train.averaging-frequency=1"));
    TrainerRun alone = run("alone");
    double sum = 0;
    for (int worker = 0; worker < 2; worker++) {
      LearnableWindows half = new LearnableWindows(both.manifest(), both.uri(), new Half(worker));
      TrainReport one =
          alone.train(
              half,
              with(
                  PLAIN_DESCENT,
                  "train.epochs=1",
                  "train.log-every-steps=1",
                  "train.batch-size=8",
                  "train.checkpoint.path=\"" + folder.resolve("half-" + worker) + "\"",
                  "train.metrics-path=\"" + folder.resolve("half-" + worker + ".jsonl") + "\""));
      sum += alone.stepMetrics(one).get(0).get("gradientNorm").asDouble();
    }

    double mean = averaged.stepMetrics(report).get(0).get("gradientNorm").asDouble();
    assertThat(mean).isCloseTo(sum / 2, withinPercentage(0.001));
  }

  /** The batches that one of two workers is dealt of 16 windows. */
  private record Half(int worker) implements WindowsSource {
    @Override
    public Windows open(Configuration hadoop) {
      Windows all = new SineWindows(16, 16).open(hadoop);
      return new Windows() {
        @Override
        public WindowContract contract() {
          return all.contract();
        }

        @Override
        public long count(Split split) {
          return split == Split.TRAIN ? 8 : 16;
        }

        @Override
        public Shards shards(Dealing half, int rank, int ranks, long memoryBytes) {
          var both = new Dealing(2 * half.batchSize(), 2 * half.shards(), half.seed());
          Shards shards = all.shards(both, worker, 2, memoryBytes);
          return new Shards() {
            @Override
            public Batches epoch(int epoch, long fromStep) {
              return alone(shards.epoch(epoch, fromStep));
            }

            @Override
            public void close() {
              shards.close();
            }
          };
        }

        /** Parts of batches as whole ones. */
        private Batches alone(Batches parts) {
          return new Batches() {
            @Override
            public boolean hasNext() {
              return parts.hasNext();
            }

            @Override
            public WindowBatch next() {
              WindowBatch part = parts.next();
              part.share(
                  IntStream.range(0, part.size()).mapToLong(part::position).toArray(), part.size());
              return part;
            }

            @Override
            public void close() {
              parts.close();
            }
          };
        }

        @Override
        public Batches inOrder(Split split, int batchSize, int rank, int ranks) {
          return all.inOrder(split, batchSize, rank, ranks);
        }
      };
    }
  }
}
