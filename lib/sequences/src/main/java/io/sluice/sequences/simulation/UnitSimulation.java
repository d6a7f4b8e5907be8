package io.sluice.sequences.simulation;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * The record of one unit, scan after scan, in nominal time order; holds no more than its current
 * state. A function of the settings and the unit's number alone.
 */
final class UnitSimulation implements Iterator<Scan> {
  private static final double HOUR_MILLIS = 3_600_000;

  private final SimulationSettings settings;
  private final long intervalMillis;
  private final long scans;
  private final Plant plant;
  private final Operation operation;
  private final Machine machine;
  private final Sensors sensors;
  private final Transport transport;
  private final double[] truth = new double[Channel.COUNT];
  private long scan;

  UnitSimulation(SimulationSettings settings, long unit) {
    this.settings = settings;
    long seed = settings.seed();
    intervalMillis = settings.interval().toMillis();
    scans = settings.scans();
    plant = new Plant(seed);
    operation = new Operation(settings.operation(), Streams.OPERATION.of(seed, unit));
    machine = Kind.of(unit).build(Streams.PARAMETERS.of(seed, unit));
    sensors = new Sensors(settings, machine.rated(), Streams.SENSORS.of(seed, unit));
    transport =
        new Transport(
            settings, Kind.unitName(unit), machine.rated(), Streams.TRANSPORT.of(seed, unit));
  }

  @Override
  public boolean hasNext() {
    return scan < scans;
  }

  @Override
  public Scan next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    long time = settings.start().toEpochMilli() + scan * intervalMillis;
    double hours = scan == 0 ? 0 : intervalMillis / HOUR_MILLIS;
    scan++;

    plant.advance(time, hours);
    boolean wasRunning = operation.isRunning();
    List<PlantEvent> events = operation.advance(time, hours, plant.load());
    boolean restarted = !wasRunning && operation.isRunning();
    machine.advance(
        new Machine.Conditions(
            hours, operation.demand(), plant.ambient(), operation.wear(), operation.isRunning()),
        truth);
    truth[Channel.SET_POINT.ordinal()] = 100 * operation.setPoint();
    truth[Channel.AMBIENT.ordinal()] = plant.ambient();
    return transport.send(time, sensors.read(truth, hours, restarted), events);
  }

  /** True wear after the last scan, for tests that hold the signature to its cause. */
  double wear() {
    return operation.wear();
  }
}
