/**
 * Targets that come from outside the telemetry: events, and the remaining life at the end of a test
 * record.
 *
 * <p>Main type: {@link io.sluice.sequences.telemetry.target.TargetTables} reads them on the driver;
 * {@link io.sluice.sequences.telemetry.grid.Labels} applies them. Events are rare (failures,
 * repairs), so they fit the driver's memory and travel to the tasks whole.
 */
package io.sluice.sequences.telemetry.target;
