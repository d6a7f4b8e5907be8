package io.sluice.recurrent.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.deeplearning4j.nn.conf.serde.JsonMappers;
import org.junit.jupiter.api.Test;
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
  void warmUpRisesInAStraightLineToAnySchedule() {
    var constant = new WarmUp(4, new FixedSchedule(0.5));
    var step = new WarmUp(4, new StepSchedule(ScheduleType.ITERATION, 1.0, 0.5, 3));

    assertThat(constant.valueAt(0, 0)).isCloseTo(0.1, within(1e-12));
    assertThat(constant.valueAt(3, 0)).isCloseTo(0.4, within(1e-12));
    assertThat(constant.valueAt(4, 0)).isEqualTo(0.5);
    assertThat(step.valueAt(3, 0)).isCloseTo(0.8 * 0.5, within(1e-12));
    assertThat(step.valueAt(6, 0)).isCloseTo(0.25, within(1e-12));
  }

  @Test
  void jsonOfDl4jBringsThemBack() throws Exception {
    var mapper = JsonMappers.getMapper();
    ISchedule schedule = new WarmUp(3, new CosineDecay(0.01, 0.001, 3, 50));

    String json = mapper.writeValueAsString(schedule);

    assertThat(mapper.readValue(json, ISchedule.class)).isEqualTo(schedule);
  }

  @Test
  void cosineWithoutLengthIsRefused() {
    assertThatThrownBy(() -> new CosineDecay(1, 0, 5, 5))
        .hasMessage("end is 5, must be after start (5)");
  }
}
