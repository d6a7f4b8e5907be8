package io.sluice.recurrent.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.deeplearning4j.nn.conf.serde.JsonMappers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.schedule.FixedSchedule;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;

class SchedulesTest {
  private static final int ANY_EPOCH = 17;

  @Test
  void cosineFallsFromPeakToFloor() {
    var schedule = new CosineDecay(1.0, 0.2, 10, 110);

    assertThat(schedule.valueAt(0, ANY_EPOCH)).isEqualTo(1.0);
    assertThat(schedule.valueAt(10, ANY_EPOCH)).isEqualTo(1.0);
    // cos 45° = 0.70711: 0.2 + 0.8 · 1.70711 / 2
    assertThat(schedule.valueAt(35, ANY_EPOCH)).isCloseTo(0.882843, within(1e-6));
    assertThat(schedule.valueAt(60, ANY_EPOCH)).isCloseTo(0.6, within(1e-12));
    assertThat(schedule.valueAt(110, ANY_EPOCH)).isCloseTo(0.2, within(1e-12));
    assertThat(schedule.valueAt(1000, ANY_EPOCH)).isCloseTo(0.2, within(1e-12));
  }

  @Test
  void cosineWithRestartsBeginsEachCycleAtThePeakAndEachIsLonger() {
    // cycles of 4, 8 and 16 steps from step 10 on
    var schedule = new CosineRestarts(1.0, 0.2, 10, 4, 2);

    assertThat(schedule.valueAt(0, ANY_EPOCH)).isEqualTo(1.0);
    for (int first : new int[] {10, 14, 22, 38}) {
      assertThat(schedule.valueAt(first, ANY_EPOCH)).as("step %d", first).isEqualTo(1.0);
    }
    for (int middle : new int[] {12, 18, 30, 54}) {
      assertThat(schedule.valueAt(middle, ANY_EPOCH))
          .as("step %d", middle)
          .isCloseTo(0.6, within(1e-12));
    }
    // cos 135° = −0.70711: 0.2 + 0.8 · 0.29289 / 2
    assertThat(schedule.valueAt(13, ANY_EPOCH)).isCloseTo(0.317157, within(1e-6));
    assertThat(schedule.valueAt(20, ANY_EPOCH)).isCloseTo(0.317157, within(1e-6));
  }

  @Test
  void cosineWithRestartsOfOneLengthRepeatsItselfToTheLastStepThereCanBe() {
    var schedule = new CosineRestarts(0.5, 0, 7, 3, 1);

    assertThat(schedule.valueAt(8, ANY_EPOCH)).isCloseTo(0.375, within(1e-12));
    assertThat(schedule.valueAt(8 + 3 * 600_000_000, ANY_EPOCH))
        .isEqualTo(schedule.valueAt(8, ANY_EPOCH));
  }

  @Test
  void firstCycleWithRestartsIsTheCosineWithout() {
    var once = new CosineDecay(0.3, 0.01, 5, 25);
    var again = new CosineRestarts(0.3, 0.01, 5, 20, 1);

    for (int step = 0; step < 25; step++) {
      assertThat(again.valueAt(step, ANY_EPOCH))
          .isCloseTo(once.valueAt(step, ANY_EPOCH), within(1e-15));
    }
  }

  @Test
  void plateauLowersTheRateFromEachReductionOnDownToItsFloor() {
    var schedule = new PlateauDecay(0.8, 0.25, 0.03, List.of(10, 20, 25));

    assertThat(schedule.valueAt(9, ANY_EPOCH)).isEqualTo(0.8);
    assertThat(schedule.valueAt(10, ANY_EPOCH)).isEqualTo(0.2);
    assertThat(schedule.valueAt(20, ANY_EPOCH)).isEqualTo(0.05);
    // 0.0125 is below the floor
    assertThat(schedule.valueAt(25, ANY_EPOCH)).isEqualTo(0.03);
  }

  @Test
  void warmUpRisesInAStraightLineToAnySchedule() {
    var constant = new WarmUp(4, new FixedSchedule(0.5));
    var step = new WarmUp(4, new StepDecay(1, 0.5, 3, 3));

    assertThat(constant.valueAt(0, 0)).isCloseTo(0.1, within(1e-12));
    assertThat(constant.valueAt(3, 0)).isCloseTo(0.4, within(1e-12));
    assertThat(constant.valueAt(4, 0)).isEqualTo(0.5);
    assertThat(step.valueAt(3, 0)).isCloseTo(0.8 * 0.5, within(1e-12));
    assertThat(step.valueAt(6, 0)).isCloseTo(0.25, within(1e-12));
  }

  @Test
  void stairsAreDl4jsUnlessTheFirstIsLonger() {
    var even = new StepDecay(2, 0.5, 3, 3);
    var dl4j = new StepSchedule(ScheduleType.ITERATION, 2, 0.5, 3);
    var late = new StepDecay(1, 0.5, 4, 1);

    for (int step = 0; step < 20; step++) {
      assertThat(even.valueAt(step, ANY_EPOCH)).isEqualTo(dl4j.valueAt(step, ANY_EPOCH));
      // Zaremba's: 0.5 to the power of max(epoch + 1 - 4, 0), epochs from 0
      assertThat(late.valueAt(step, ANY_EPOCH)).isEqualTo(Math.pow(0.5, Math.max(step + 1 - 4, 0)));
    }
    assertThatThrownBy(() -> new StepDecay(1, 0.5, 0, 1))
        .hasMessage("first is 0 and every 1, each must be at least 1");
    assertThatThrownBy(() -> new StepDecay(1, 0, 1, 1))
        .hasMessage("factor is 0.0, must be in (0, 1]");
  }

  static List<ISchedule> schedules() {
    return List.of(
        new WarmUp(3, new StepDecay(0.01, 0.5, 40, 10)),
        new WarmUp(3, new CosineDecay(0.01, 0.001, 3, 50)),
        new WarmUp(3, new CosineRestarts(0.01, 0.001, 3, 50, 2)),
        new PlateauDecay(0.01, 0.5, 0.001, List.of(30, 70)));
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void jsonOfDl4jBringsThemBack(ISchedule schedule) throws Exception {
    var mapper = JsonMappers.getMapper();

    String json = mapper.writeValueAsString(schedule);

    assertThat(mapper.readValue(json, ISchedule.class)).isEqualTo(schedule);
  }

  @Test
  void cosineWithoutLengthIsRefused() {
    assertThatThrownBy(() -> new CosineDecay(1, 0, 5, 5))
        .hasMessage("end is 5, must be after start (5)");
  }

  @Test
  void restartsWithoutLengthAndFactorsThatRaiseAreRefused() {
    assertThatThrownBy(() -> new CosineRestarts(1, 0, 5, 0, 2))
        .hasMessage("length is 0, must be at least 1");
    assertThatThrownBy(() -> new CosineRestarts(1, 0, 5, 5, 0))
        .hasMessage("multiplier is 0, must be at least 1");
    assertThatThrownBy(() -> new PlateauDecay(1, 1.5, 0, List.of()))
        .hasMessage("factor is 1.5, must be in (0, 1]");
    assertThatThrownBy(() -> new PlateauDecay(1, 0.5, 2, List.of()))
        .hasMessage("floor is 2.0, must be at most peak (1.0)");
  }
}
