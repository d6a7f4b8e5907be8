package io.sluice.sequences.telemetry.store;

import io.sluice.sequences.telemetry.SequenceSettings.Aggregate;
import io.sluice.sequences.telemetry.SequenceSettings.GapPolicy;
import io.sluice.sequences.telemetry.grid.BlockShape;
import io.sluice.sequences.telemetry.grid.Grid;
import io.sluice.sequences.telemetry.grid.WindowCutter;
import java.io.Serializable;

/**
 * All a task needs to make segments of readings.
 *
 * @param aggregates per track
 * @param wide whether a row brings all tracks or one
 */
public record BlockPlan(
    Grid grid,
    BlockShape shape,
    Aggregate[] aggregates,
    GapPolicy gapPolicy,
    int maxGapSteps,
    WindowCutter.Rules rules,
    boolean wide)
    implements Serializable {}
