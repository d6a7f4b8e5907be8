package io.sluice.sequences.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * How one unit is run: set point, demand, wear, and what wear leads to.
 *
 * <pre>{@code
 * set point  s in [0.70, 1.10]: a new level at exponential times, reached at 0.1 an hour
 * demand     q → s L + e, lag 0.5 h, in [0.30, 1.15]; e Ornstein-Uhlenbeck, σ 0.012, τ 3 h
 * wear       dw/dt = g q^1.5 exp(y) / mean days between failures, y Ornstein-Uhlenbeck σ 0.4, τ 120 h,
 *            g log-normal per life, 20 % about 1; only while running, so never falling
 * failure    at w = 1; repair takes 0.6 to 1.4 of the set hours and leaves w in [0, 0.08]
 * planned    every 28 days a stop of four hours, which takes a tenth of the wear
 * }</pre>
 *
 * At a usual load of 0.7 wear grows at 0.6 of its full-load rate.
 */
final class Operation {
  private static final double MAINTENANCE_EVERY_HOURS = 28 * 24;
  private static final double MAINTENANCE_HOURS = 4;

  private final SimulationSettings.Operation settings;
  private final Random random;
  private final OrnsteinUhlenbeck disturbance;
  private final OrnsteinUhlenbeck harshness;
  private final Lag actuator = new Lag(0.5);
  private double level;
  private double setPoint;
  private double demand;
  private double wear;
  private double weakness;
  private boolean running = true;
  private boolean failed;
  private long upAgainMillis;
  private double hoursToMaintenance;

  Operation(SimulationSettings.Operation settings, Random random) {
    this.settings = settings;
    this.random = random;
    disturbance = new OrnsteinUhlenbeck(0.012, 3, random);
    harshness = new OrnsteinUhlenbeck(0.4, 120, random);
    level = newLevel();
    setPoint = level;
    wear = 0.75 * random.nextDouble();
    weakness = newWeakness();
    hoursToMaintenance = MAINTENANCE_EVERY_HOURS * random.nextDouble();
  }

  /**
   * Moves to a time.
   *
   * @param hours since the last call
   * @param load of the plant
   * @return what happened in between; mostly nothing
   */
  List<PlantEvent> advance(long timeMillis, double hours, double load) {
    moveSetPoint(hours);
    demand =
        Math.max(
            0.30,
            Math.min(1.15, actuator.follow(setPoint * load, hours) + disturbance.advance(hours)));
    double rate =
        weakness
            * Math.pow(demand, 1.5)
            * Math.exp(harshness.advance(hours))
            / (settings.meanDaysBetweenFailures() * 24);
    hoursToMaintenance -= hours;
    return running ? run(timeMillis, hours, rate) : standStill(timeMillis);
  }

  /** s, share of rated. */
  double setPoint() {
    return setPoint;
  }

  /** q, share of rated. */
  double demand() {
    return demand;
  }

  /** w in [0, 1]. */
  double wear() {
    return wear;
  }

  boolean isRunning() {
    return running;
  }

  private List<PlantEvent> run(long timeMillis, double hours, double rate) {
    wear += rate * hours;
    if (wear >= 1) {
      long failedAt = timeMillis - Math.round((wear - 1) / rate * 3_600_000);
      double repair = settings.repairHours() * (0.6 + 0.8 * random.nextDouble());
      wear = 1;
      failed = true;
      stop(failedAt, repair);
      return List.of(new PlantEvent(failedAt, PlantEvent.Type.FAILURE));
    }
    if (hoursToMaintenance <= 0) {
      wear *= 0.9;
      hoursToMaintenance += MAINTENANCE_EVERY_HOURS;
      stop(timeMillis, MAINTENANCE_HOURS);
      return List.of(new PlantEvent(timeMillis, PlantEvent.Type.MAINTENANCE));
    }
    return List.of();
  }

  private void stop(long atMillis, double hours) {
    running = false;
    upAgainMillis = atMillis + Math.round(hours * 3_600_000);
  }

  private List<PlantEvent> standStill(long timeMillis) {
    if (timeMillis < upAgainMillis) {
      return List.of();
    }
    running = true;
    var events = new ArrayList<PlantEvent>(1);
    if (failed) {
      failed = false;
      wear = 0.08 * random.nextDouble();
      weakness = newWeakness();
      events.add(new PlantEvent(upAgainMillis, PlantEvent.Type.REPAIR));
    }
    return events;
  }

  private void moveSetPoint(double hours) {
    double chance = 1 - Math.exp(-settings.setPointChangesPerWeek() * hours / 168);
    if (random.nextDouble() < chance) {
      level = newLevel();
    }
    double most = 0.1 * hours;
    setPoint += Math.max(-most, Math.min(most, level - setPoint));
  }

  private double newLevel() {
    return 0.70 + 0.40 * random.nextDouble();
  }

  private double newWeakness() {
    return Math.exp(0.2 * random.nextGaussian());
  }
}
