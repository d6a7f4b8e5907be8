/**
 * From readings to steps on a grid, and from steps to segments.
 *
 * <p>Main types: {@link io.sluice.sequences.telemetry.grid.Grid} does the arithmetic of steps,
 * blocks and periods; {@link io.sluice.sequences.telemetry.grid.StepGrid} takes the readings of one
 * block, in time order, and makes steps of them; {@link
 * io.sluice.sequences.telemetry.grid.WindowCutter} finds the windows in them and hands out
 * segments.
 *
 * <p>The decision worth knowing: a block is built from its own readings and those of a halo wide
 * enough for look-back, horizon and the longest gap that is filled, so it needs no neighbour.
 * Memory is bounded by one block, whatever the length of a series, and blocks are built in any
 * order, on any number of partitions, to the same result.
 *
 * <p><b>Considered:</b> sliding SQL frames (O(n · look-back), one row a window); a streaming pass
 * over each whole series (one task a series, whatever its length); materialised windows (look-back
 * times the storage).
 *
 * <p>Knows no Spark.
 */
package io.sluice.sequences.telemetry.grid;
