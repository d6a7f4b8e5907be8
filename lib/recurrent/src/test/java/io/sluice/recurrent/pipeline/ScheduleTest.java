package io.sluice.recurrent.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ScheduleTest {
  private static final Schedule.Cost EQUAL = (stage, isForward, m, k) -> isForward ? 1 : 2;

  static List<Schedule> schedules() {
    var schedules = new ArrayList<Schedule>();
    for (int P : new int[] {1, 2, 3, 4, 7}) {
      for (int M : new int[] {1, 2, 3, 5, 9}) {
        for (int K : new int[] {1, 2, 3, 8}) {
          schedules.add(new Schedule(P, M, K));
        }
      }
    }
    return schedules;
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void aStageComputesEveryUnitOnceEachWayAndReusesATapeOnlyOnceItIsFree(Schedule schedule) {
    for (int stage = 0; stage < schedule.stages(); stage++) {
      var seen = new HashSet<String>();
      var under = new ArrayList<Unit>();
      int mostTapes = 0;
      int mostMicroBatches = 0;
      for (Unit unit : schedule.units(stage)) {
        assertThat(seen.add(unit.toString())).isTrue();
        assertThat(unit.tape()).isBetween(0, schedule.lead(stage) - 1);
        if (unit.isForward()) {
          assertThat(under).noneMatch(other -> other.tape() == unit.tape());
          under.add(unit);
          mostTapes = Math.max(mostTapes, under.size());
          Set<Integer> microBatches = new HashSet<>();
          under.forEach(other -> microBatches.add(other.microBatch()));
          mostMicroBatches = Math.max(mostMicroBatches, microBatches.size());
        } else {
          assertThat(
                  under.removeIf(
                      other ->
                          other.tape() == unit.tape()
                              && other.microBatch() == unit.microBatch()
                              && other.chunk() == unit.chunk()))
              .isTrue();
        }
      }

      assertThat(seen).hasSize(2 * schedule.units());
      assertThat(mostTapes).isEqualTo(schedule.lead(stage));
      assertThat(mostMicroBatches).isLessThanOrEqualTo(schedule.microBatchesUnderWay(stage));
      assertThat(schedule.microBatchesUnderWay(stage)).isLessThanOrEqualTo(mostMicroBatches + 1);
    }
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void stagesThatWaitForWhatTheyNeedComeToTheEnd(Schedule schedule) {
    int P = schedule.stages();
    List<List<Unit>> orders = new ArrayList<>();
    List<Set<String>> done = new ArrayList<>();
    for (int stage = 0; stage < P; stage++) {
      orders.add(new ArrayList<>(schedule.units(stage)));
      done.add(new HashSet<>());
    }
    boolean moves = true;
    while (moves) {
      moves = false;
      for (int stage = 0; stage < P; stage++) {
        List<Unit> order = orders.get(stage);
        while (!order.isEmpty() && needs(schedule, done, stage, order.get(0))) {
          done.get(stage).add(order.remove(0).toString());
          moves = true;
        }
      }
    }

    assertThat(orders).allMatch(List::isEmpty);
  }

  /** Whether all that a unit needs is there; written from the model, not from the schedule. */
  private static boolean needs(Schedule s, List<Set<String>> done, int stage, Unit unit) {
    int m = unit.microBatch();
    int k = unit.chunk();
    Set<String> own = done.get(stage);
    if (unit.isForward()) {
      return (stage == 0 || done.get(stage - 1).contains(name(true, m, k)))
          && (k == 0 || own.contains(name(true, m, k - 1)));
    }
    return own.contains(name(true, m, s.chunks() - 1))
        && (stage == s.stages() - 1 || done.get(stage + 1).contains(name(false, m, k)))
        && (k == s.chunks() - 1 || own.contains(name(false, m, k + 1)));
  }

  private static String name(boolean isForward, int microBatch, int chunk) {
    return new Unit(isForward, microBatch, chunk, 0).toString();
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void equalStagesFillAndDrainInThePartOfOneUnitForEachStage(Schedule schedule) {
    int P = schedule.stages();
    int U = schedule.units();

    Schedule.Timing timing = schedule.timing(EQUAL, 0);

    assertThat(timing.stepSeconds()).isEqualTo(3.0 * (U + P - 1));
    assertThat(timing.busySeconds()).hasSize(P).containsOnly(3.0 * U);
    assertThat(timing.bubble()).isCloseTo((P - 1.0) / (U + P - 1), within(1e-12));
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void transfersDelayFillingAndDrainingAndTheSlackHidesTheRest(Schedule schedule) {
    int P = schedule.stages();
    double ideal = 3.0 * (schedule.units() + P - 1);

    double fast = schedule.timing(EQUAL, 0.1).stepSeconds();
    double slow = schedule.timing(EQUAL, 1).stepSeconds();

    // up once while it fills, down once while it drains
    assertThat(fast).isBetween(ideal, ideal + 2 * 0.1 * (P - 1) + 1e-9);
    // as long as a forward unit: no longer hidden where every unit has to come back at once
    assertThat(slow).isBetween(ideal, ideal + 2 * (P - 1) + schedule.units() * 2 + 1e-9);
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void aSlowStageSetsThePace(Schedule schedule) {
    int P = schedule.stages();
    for (int slow = 0; slow < P; slow++) {
      int at = slow;

      Schedule.Timing timing =
          schedule.timing(
              (stage, isForward, m, k) -> (stage == at ? 2 : 1) * (isForward ? 1 : 2), 0);

      double own = 6.0 * schedule.units();
      // the others' first forward and last backward units, and what it takes to get going
      assertThat(timing.stepSeconds()).isBetween(own, own + 6.0 * (P - 1));
      assertThat(timing.busySeconds().get(slow)).isEqualTo(own);
    }
  }

  @Test
  void aReplicaWithoutExamplesHasNoUnits() {
    var schedule = new Schedule(3, 0, 4);

    assertThat(schedule.units(0)).isEmpty();
    assertThat(schedule.microBatchesUnderWay(0)).isZero();
    assertThat(schedule.timing(EQUAL, 0).stepSeconds()).isZero();
  }

  @Test
  void aScheduleOfNothingIsRefused() {
    assertThatThrownBy(() -> new Schedule(0, 1, 1))
        .hasMessage(
            "A schedule has at least 1 stage, 0 micro-batches and 1 chunk, but stages=0, microBatches=1, chunks=1");
  }
}
