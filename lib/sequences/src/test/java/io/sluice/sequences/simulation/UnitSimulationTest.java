package io.sluice.sequences.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.sequences.simulation.PlantEvent.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class UnitSimulationTest {
  private static final long HOUR = 3_600_000;

  @Test
  void sameSeedGivesTheSameRecordAndAnotherSeedDoesNot() {
    var first = readings(SimulationFixture.settings("simulate.seed=3"), 1, 500);
    var again = readings(SimulationFixture.settings("simulate.seed=3"), 1, 500);
    var other = readings(SimulationFixture.settings("simulate.seed=4"), 1, 500);

    assertThat(again).isDeepEqualTo(first);
    assertThat(other[400]).isNotEqualTo(first[400]);
  }

  @Test
  void unitsShareTheWeatherAndDifferInTheRest() {
    var settings = SimulationFixture.clean(8, 30);

    var pump = readings(settings, 0, 1000);
    var otherPump = readings(settings, 4, 1000);

    for (int i = 0; i < 1000; i++) {
      assertThat(otherPump[i][Channel.AMBIENT.ordinal()])
          .isEqualTo(pump[i][Channel.AMBIENT.ordinal()]);
    }
    assertThat(otherPump[999][Channel.POWER.ordinal()])
        .isNotEqualTo(pump[999][Channel.POWER.ordinal()]);
  }

  @Test
  void moreNoiseDoesNotMoveAFailure() {
    var quiet = events(SimulationFixture.settings("simulate.days=200", "simulate.noise=0"), 2);
    var noisy =
        events(
            SimulationFixture.settings(
                "simulate.days=200", "simulate.noise=5", "simulate.missing-share=0.3"),
            2);

    assertThat(noisy).isEqualTo(quiet).extracting(PlantEvent::type).contains(Type.FAILURE);
  }

  @Test
  void loadHasADailyAndAWeeklyPattern() {
    // hourly means of the set-point-free demand over a year
    var plant = new Plant(7);
    int hours = 24 * 7 * 52;
    var load = new double[hours];
    for (int i = 0; i < hours; i++) {
      plant.advance(1_704_067_200_000L + i * HOUR, i == 0 ? 0 : 1);
      load[i] = plant.load();
    }

    assertThat(autocorrelation(load, 24)).isGreaterThan(autocorrelation(load, 12) + 0.4);
    assertThat(autocorrelation(load, 168)).isGreaterThan(autocorrelation(load, 84) + 0.4);
    // a week's step beats a day's: weekends differ
    assertThat(autocorrelation(load, 168)).isGreaterThan(autocorrelation(load, 72) + 0.05);
    // and a good part is not periodic at all
    assertThat(autocorrelation(load, 168)).isBetween(0.5, 0.9);
  }

  @Test
  void wearRisesWhileRunningAndIsResetByRepair() {
    var simulation = new UnitSimulation(SimulationFixture.settings("simulate.days=365"), 0);
    double before = 0;
    int failures = 0;
    while (simulation.hasNext()) {
      List<Type> happened = simulation.next().events().stream().map(PlantEvent::type).toList();
      double wear = simulation.wear();
      if (happened.contains(Type.REPAIR)) {
        assertThat(wear).isLessThan(0.1);
      } else if (happened.contains(Type.MAINTENANCE)) {
        // a tenth less than before, but for what the last interval added
        assertThat(wear).isCloseTo(0.9 * before, within(0.002));
      } else if (failures > 0) {
        assertThat(wear).isGreaterThanOrEqualTo(before);
      }
      if (happened.contains(Type.FAILURE)) {
        assertThat(wear).isEqualTo(1);
        failures++;
      }
      before = wear;
    }
    assertThat(failures).isBetween(5, 18); // 365 days / 20 days at 0.6 of the full-load rate
  }

  @Test
  void unitStandsStillBetweenFailureAndRepair() {
    var simulation = new UnitSimulation(SimulationFixture.clean(8, 365), 1);
    boolean down = false;
    int scansDown = 0;
    while (simulation.hasNext()) {
      Scan scan = simulation.next();
      for (PlantEvent event : scan.events()) {
        down = event.type() != Type.REPAIR && (down || event.type() == Type.FAILURE);
      }
      if (down) {
        scansDown++;
        assertThat(scan.values()[Channel.POWER.ordinal()]).isZero();
        assertThat(scan.values()[Channel.FLOW.ordinal()]).isZero();
      }
    }
    assertThat(scansDown).isGreaterThan(300);
  }

  @Test
  void vibrationTellsAFailureTwoDaysAhead() {
    for (long unit = 0; unit < 4; unit++) {
      assertThat(aucOfVibration(unit)).as("unit %d", unit).isGreaterThan(0.8);
    }
  }

  @Test
  void readingsStayInTheRangesTheSchemaGives() {
    for (long unit = 0; unit < 8; unit++) {
      var simulation = new UnitSimulation(SimulationFixture.settings("simulate.days=365"), unit);
      while (simulation.hasNext()) {
        Scan scan = simulation.next();
        for (Channel channel : Channel.values()) {
          assertThat(scan.values()[channel.ordinal()])
              .as("%s of unit %d", channel.label(), unit)
              .isBetween(channel.low(), channel.high());
        }
      }
    }
  }

  @Test
  void deadSensorsRepeatOneValueForDaysAndAreCalledGood() {
    var settings =
        SimulationFixture.settings(
            "simulate.days=60", "simulate.dead-sensor-share=1", "simulate.bad-quality-share=0");
    var simulation = new UnitSimulation(settings, 0);
    int run = 0;
    int longest = 0;
    double last = Double.NaN;
    while (simulation.hasNext()) {
      double power = simulation.next().values()[Channel.POWER.ordinal()];
      run = power == last && power != 0 ? run + 1 : 0;
      last = power;
      longest = Math.max(longest, run);
    }

    assertThat(longest * 10 / 60.0).isBetween(24.0 - 1, 96.0 + 1); // hours
  }

  @Test
  void driftIsWipedOutByCalibration() {
    var settings =
        SimulationFixture.settings(
            "simulate.days=365", "simulate.noise=0", "simulate.drift=50", "simulate.units=1");
    var drifting = new UnitSimulation(settings, 0);
    var exact = new UnitSimulation(SimulationFixture.clean(1, 365), 0);
    int ambient = Channel.AMBIENT.ordinal();
    double worst = 0;
    boolean stopped = false;
    int calibrations = 0;
    while (drifting.hasNext()) {
      Scan scan = drifting.next();
      double truth = exact.next().values()[ambient];
      boolean wasStopped = stopped;
      for (PlantEvent event : scan.events()) {
        stopped |= event.type() == Type.FAILURE;
        if (event.type() == Type.REPAIR) {
          stopped = false;
        }
      }
      if (wasStopped && !stopped && scan.states()[ambient] == Scan.State.GOOD) {
        calibrations++;
        assertThat(scan.values()[ambient]).isCloseTo(truth, within(0.011));
      }
      if (scan.states()[ambient] == Scan.State.GOOD) {
        worst = Math.max(worst, Math.abs(scan.values()[ambient] - truth));
      }
    }

    assertThat(calibrations).isGreaterThan(3);
    assertThat(worst).isGreaterThan(2);
  }

  private static double aucOfVibration(long unit) {
    var settings = SimulationFixture.settings("simulate.days=365");
    var simulation = new UnitSimulation(settings, unit);
    var times = new ArrayList<Long>();
    var features = new ArrayList<Double>();
    var failures = new ArrayList<Long>();
    double smooth = Double.NaN;
    while (simulation.hasNext()) {
      Scan scan = simulation.next();
      scan.events().stream()
          .filter(e -> e.type() == Type.FAILURE)
          .forEach(e -> failures.add(e.timeMillis()));
      double vibration = scan.values()[Channel.VIBRATION.ordinal()];
      if (!scan.lost() && scan.states()[Channel.VIBRATION.ordinal()] == Scan.State.GOOD) {
        smooth = Double.isNaN(smooth) ? vibration : smooth + 0.05 * (vibration - smooth);
      }
      if (scan.values()[Channel.POWER.ordinal()] > 0) {
        times.add(scan.nominalMillis());
        features.add(smooth);
      }
    }
    Integer[] order = new Integer[features.size()];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (a, b) -> Double.compare(features.get(a), features.get(b)));
    double rankSum = 0;
    long positives = 0;
    for (int rank = 0; rank < order.length; rank++) {
      long time = times.get(order[rank]);
      if (failures.stream().anyMatch(f -> f > time && f <= time + 48 * HOUR)) {
        rankSum += rank + 1;
        positives++;
      }
    }
    long negatives = order.length - positives;
    assertThat(positives).isGreaterThan(100);
    return (rankSum - positives * (positives + 1) / 2.0) / positives / negatives;
  }

  private static double[][] readings(SimulationSettings settings, long unit, int scans) {
    var simulation = new UnitSimulation(settings, unit);
    var readings = new double[scans][];
    for (int i = 0; i < scans; i++) {
      readings[i] = simulation.next().values();
    }
    return readings;
  }

  private static List<PlantEvent> events(SimulationSettings settings, long unit) {
    var events = new ArrayList<PlantEvent>();
    new UnitSimulation(settings, unit).forEachRemaining(scan -> events.addAll(scan.events()));
    return events;
  }

  private static double autocorrelation(double[] x, int lag) {
    double mean = Arrays.stream(x).average().orElseThrow();
    double variance = 0;
    double covariance = 0;
    for (int i = 0; i < x.length; i++) {
      variance += (x[i] - mean) * (x[i] - mean);
      covariance += i < lag ? 0 : (x[i] - mean) * (x[i - lag] - mean);
    }
    return covariance / variance;
  }
}
