package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.config.InvalidConfigException;
import io.sluice.failure.ExitStatus;
import io.sluice.failure.InsufficientClusterException;
import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.recurrent.kernel.RecordingAccelerator;
import io.sluice.recurrent.optim.LossScale;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs on GPUs that the test makes up: they compute what the CPU does. */
class DevicesOfRunsTest {
  private static final LearnableWindows SINE = new SineWindows(200, 50).learnable();

  private static final String[] TWO_RANKS = {
    "train.strategy=gradient-sharing", "train.workers=2", "train.epochs=2"
  };

  @RegisterExtension static final LocalSpark SPARK = LocalSpark.of(4);

  @TempDir Path folder;

  @BeforeEach
  void withoutRealGpus() {
    RecordingAccelerator.have(0);
    Assumptions.assumeTrue(Device.gpuProblem().isPresent(), "this machine has a GPU");
  }

  @AfterEach
  void putAway() {
    RecordingAccelerator.have(0);
  }

  private TrainReport train(String lake, String[] settings, String... more) {
    var all = new java.util.ArrayList<>(List.of(settings));
    all.addAll(List.of(more));
    return run(lake).train(SINE, all.toArray(String[]::new));
  }

  private TrainerRun run(String lake) {
    return new TrainerRun(folder.resolve(lake), SPARK.session());
  }

  @Test
  void ranksOfOneProcessHaveAGpuEachByTheirNumberAndTheSameResult() {
    String layers = "model.hidden-sizes=[6,6]";
    TrainReport onCpu = train("cpu", TWO_RANKS, layers);
    RecordingAccelerator.have(2);

    TrainReport onGpus = train("gpus", TWO_RANKS, layers, "device=gpu", "model.precision=tf32");

    assertThat(onCpu.device()).isEqualTo("2 x CPU");
    assertThat(onGpus.device()).isEqualTo("GPU 0 (recording), GPU 1 (recording)");
    assertThat(onGpus.bestValidationLoss()).isEqualTo(onCpu.bestValidationLoss());
    assertThat(RecordingAccelerator.made())
        .hasSize(2)
        .anyMatch(made -> made.startsWith("0: stack of 2 TF32"))
        .anyMatch(made -> made.startsWith("1: stack of 2 TF32"));
  }

  @Test
  void autoTakesAGpuWhereThereIsOneAndWarnsOfNothingWhereThereIsNone() {
    try (var warnings = new Warnings("io.sluice")) {
      TrainReport onCpu = train("cpu", new String[] {"train.epochs=1"});

      assertThat(onCpu.device()).isEqualTo("CPU");
      assertThat(warnings.messages).isEmpty();
    }
    RecordingAccelerator.have(1);

    assertThat(train("gpu", new String[] {"train.epochs=1"}).device())
        .isEqualTo("GPU 0 (recording)");
    assertThat(train("set", new String[] {"train.epochs=1", "device=cpu"}).device())
        .isEqualTo("CPU");
  }

  @Test
  void moreRanksThanGpusAreRefusedAndInAutoComputeOnTheCpu() {
    RecordingAccelerator.have(1);

    assertThatThrownBy(() -> train("refused", TWO_RANKS, "device=gpu"))
        .isInstanceOf(InsufficientClusterException.class)
        .hasMessage(
            "device = gpu, train.workers is 2, and this machine has 1 GPU: each rank needs one. Set train.workers to at most that, and train.threads to use more cores.");
    try (var warnings = new Warnings(Preflight.class.getName())) {
      assertThat(train("auto", TWO_RANKS).device()).isEqualTo("2 x CPU");
      assertThat(warnings.messages)
          .contains(
              "Computing on the CPU: train.workers is 2, and this machine has 1 GPU. Set train.workers to at most that, or device = cpu to say so.");
    }
  }

  @Test
  void gpuWithoutOneIsRefusedBeforeTheFirstStep() {
    for (String[] settings : List.of(TWO_RANKS, new String[] {"train.strategy=local"})) {
      assertThatThrownBy(() -> train("none", settings, "device=gpu"))
          .isInstanceOfSatisfying(
              InsufficientClusterException.class,
              e -> assertThat(e.exitStatus()).isEqualTo(ExitStatus.CLUSTER_TOO_SMALL))
          .hasMessageStartingWith(
              "device = gpu, and none can be used: " + Device.gpuProblem().orElseThrow());
    }
  }

  @Test
  void whatAGpuLacksIsRefusedWhereItMustBeOneAndComputesOnTheCpuElsewhere() {
    RecordingAccelerator.have(1);
    String[] peephole = {"train.epochs=1", "model.cell=peephole-lstm"};

    assertThatThrownBy(() -> train("cell", peephole, "device=gpu"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessage(
            """
            Invalid configuration for this network, 1 problem(s):
              - device: must be cpu or auto, but is gpu: the recorder has no peephole LSTM: the CPU has it (device = cpu)""");
    assertThatThrownBy(
            () ->
                train(
                    "state",
                    new String[] {"train.epochs=1", "model.recurrent-dropout=0.1"},
                    "device=gpu"))
        .hasMessageContaining("the recorder drops nothing: set model.recurrent-dropout = 0");
    try (var warnings = new Warnings(Kernels.class.getName())) {
      train("auto", peephole);
      train("again", peephole);

      assertThat(warnings.messages)
          .containsExactly(
              "Computing a layer on the CPU beside GPU 0 (recording): the recorder has no peephole LSTM: the CPU has it (device = cpu). For recurrent layers of 128 units one core takes some 35 times as long as an H200, of 512 units some 150 times.");
    }
  }

  @Test
  void strategiesOfDl4jSparkComputeOnTheCpu() {
    RecordingAccelerator.have(4);
    String[] averaging = {"train.strategy=parameter-averaging", "train.workers=2"};

    assertThatThrownBy(() -> train("averaging", averaging, "device=gpu"))
        .isInstanceOf(InsufficientClusterException.class)
        .hasMessage(
            "device = gpu, and train.strategy = parameter-averaging computes on the CPU. Set device = cpu, or train.strategy = gradient-sharing.");
  }

  @Test
  void halfPrecisionIsRefusedWhereNothingScalesItsLoss() {
    assertThatThrownBy(
            () ->
                train(
                    "averaging",
                    new String[] {"train.strategy=parameter-averaging", "train.workers=2"},
                    "model.precision=f16"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageEndingWith(
            "- model.precision: must not be f16 with train.strategy = parameter-averaging, whose workers scale no loss");
    assertThatThrownBy(
            () ->
                train(
                    "threshold",
                    TWO_RANKS,
                    "train.gradient-sharing.wire=threshold",
                    "model.precision=f16"))
        .hasMessageEndingWith(
            "- model.precision: must not be f16 with train.gradient-sharing.wire = threshold, whose residual would keep what overflows");
  }

  @Test
  void stepsThatOverflowAreLeftOutOnAllRanksAndTheScaleIsKeptInCheckpoints() {
    RecordingAccelerator.have(2);
    RecordingAccelerator.overflowFrom(1 << 12);
    String[] half = {
      "train.strategy=gradient-sharing",
      "train.workers=2",
      "device=gpu",
      "model.precision=f16",
      "train.schedule=constant",
      "train.warmup-share=0",
      "train.log-every-steps=1"
    };

    TrainReport whole = train("whole", half, "train.epochs=2");
    train("resumed", half, "train.epochs=1");
    TrainReport resumed = train("resumed", half, "train.epochs=2");

    // 13 steps an epoch; at 2^16, 2^15, … 2^12 the gradient overflows
    assertThat(run("whole").checkpoint(whole).position().lossScale())
        .isEqualTo(new LossScale(1 << 11, 26 - 5));
    assertThat(run("resumed").checkpoint(resumed).parameters())
        .isEqualTo(run("whole").checkpoint(whole).parameters());
    assertThat(run("whole").stepMetrics(whole))
        .hasSize(26)
        .allMatch(line -> line.get("loss").asDouble() > 0)
        .filteredOn(line -> !line.has("gradientNorm"))
        .hasSize(5);
    assertThat(run("whole").checkpointHeader(whole).at("/position/lossScale/value").asInt())
        .isEqualTo(2048);
  }

  @Test
  void aStageThatItsGpuHasNoMemoryForEndsTheRunWithBothNames() {
    RecordingAccelerator.have(2);
    RecordingAccelerator.haveFree(50L << 20);
    String[] pipeline = {
      "train.strategy=pipeline",
      "train.workers=2",
      "train.epochs=1",
      "model.hidden-sizes=[6,6]",
      "train.pipeline.placement=[0,1]"
    };

    assertThatThrownBy(() -> train("refused", pipeline, "device=gpu"))
        .isInstanceOfSatisfying(
            InsufficientClusterException.class,
            e -> assertThat(e.exitStatus()).isEqualTo(ExitStatus.CLUSTER_TOO_SMALL))
        .hasMessageMatching(
            "(?s).*GPU [01] \\(recording\\) has 50 MiB of memory free, and stage [01] \\(recurrent layer [01].*\\) needs about 81 MiB\\. Set train\\.pipeline\\.device-memory to what the GPUs have.*");
    RecordingAccelerator.haveFree(1L << 30);
    assertThat(train("fits", pipeline, "device=gpu").device())
        .isEqualTo("GPU 0 (recording), GPU 1 (recording)");
  }
}
