package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.sequences.dataset.Split;
import io.sluice.training.allreduce.AllReduce;
import io.sluice.training.loop.GradientStepper;
import io.sluice.training.loop.RunObserver;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.StepPlan;
import io.sluice.training.loop.TrainingLoop;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AgreementTest {
  private static final LearnableWindows SINE = new SineWindows(200, 50).learnable();

  @TempDir Path folder;

  @Test
  void ranksWhoseParametersDifferEndTheRunAtTheNextLook() {
    // sums of numbers: the loss of step 1, the hash after it, 12 losses to the end of the epoch
    var twin = new Twin(1 + 1 + 12);
    RunPlan plan = plan();

    try (var stepper =
        new GradientStepper(
            plan, twin, Optional.empty(), Duration.ofSeconds(1), 1 << 20, () -> false)) {
      var loop =
          new TrainingLoop(
              plan, stepper, plan.initial(stepper.network()), Optional.empty(), RunObserver.NOBODY);

      assertThatThrownBy(loop::run)
          .isInstanceOf(OperationFailedException.class)
          .hasMessage(
              "The ranks' parameters differ after step 13, seen on rank 0 of 2: an executor computes something else than the others. Look for executors with other hardware, other native libraries or failing memory; run again to go on from the last checkpoint.");
    }
    assertThat(twin.calls).isEqualTo(1 + 1 + 12 + 1);
  }

  private RunPlan plan() {
    Settings all = new TrainerRun(folder, null).settings("train.workers=2");
    TrainSettings settings = all.read(TrainSettings::from);
    StepPlan steps = SINE.plan(settings, SINE.count(Split.TRAIN));
    return Plans.run(
        SINE,
        settings,
        Optional.empty(),
        SINE.spec(all.read(ModelSettings::from)),
        steps,
        null,
        NativeLimit.NONE,
        new Provenance("agreement", "test", "hash", Instant.EPOCH),
        new Configuration());
  }

  /** Rank 0 of two that compute the same, until the other's numbers differ by one. */
  private static final class Twin implements AllReduce {
    private final int sameCalls;
    private int calls;

    Twin(int sameCalls) {
      this.sameCalls = sameCalls;
    }

    @Override
    public int rank() {
      return 0;
    }

    @Override
    public int ranks() {
      return 2;
    }

    @Override
    public Pending sum(ByteBuffer array) {
      FloatBuffer numbers = array.duplicate().order(ByteOrder.nativeOrder()).asFloatBuffer();
      for (int i = 0; i < numbers.limit(); i++) {
        numbers.put(i, 2 * numbers.get(i));
      }
      return new Pending() {
        @Override
        public void await(Duration deadline) {}

        @Override
        public boolean isDone() {
          return true;
        }
      };
    }

    @Override
    public double[] sum(double[] numbers) {
      int difference = calls++ < sameCalls ? 0 : 1;
      return Arrays.stream(numbers).map(number -> number + number + difference).toArray();
    }

    @Override
    public Gathering gather(ByteBuffer message, int maxBytes) {
      throw new UnsupportedOperationException("numbers are summed here");
    }

    @Override
    public void abort(String reason) {}

    @Override
    public long bytesSent() {
      return 0;
    }

    @Override
    public void close() {}
  }
}
