/**
 * A plant that never was: telemetry of pumps, motors, valves and heat exchangers for examples,
 * tests and benchmarks, with everything that is wrong with real telemetry.
 *
 * <p>Main type: {@link io.sluice.sequences.simulation.PlantSimulator}. The layers, each with its
 * equations in its Javadoc: {@code Plant} (load and weather, common to all units) → {@code
 * Operation} (set point, demand, wear, failures) → {@code Machine} ({@code Pump}, {@code Motor},
 * {@code ControlValve}, {@code HeatExchanger}: physics) → {@code Sensors} (noise, drift, frozen
 * values) → {@code Transport} (irregular polling, gaps, losses, duplicates, late rows) → {@code
 * PlantTable}.
 *
 * <p>Needs Spark to write; everything below {@code PlantTable} is plain Java.
 *
 * <p>The decision worth knowing: a unit is a function of (seed, unit number) and is generated in
 * one pass without look-ahead, with one random stream per purpose. So tables do not depend on
 * partitions, a noisier sensor does not move a failure, and the historian and the wide table hold
 * the same readings: a dataset built from one equals that built from the other.
 *
 * <p>Considered: all random numbers from one stream per unit (any change of a setting changes the
 * whole record); generating a unit once and caching it for three tables (memory or disk for what
 * costs two microseconds a reading); a differential-equation solver (first-order lags are exact at
 * any interval, and nothing here is stiffer).
 */
package io.sluice.sequences.simulation;
