package io.sluice.sequences.dataset;

/**
 * A segment as a network would see it, step by step: scaled, with calendar, masks and known-future
 * inputs in place, so that a window is T rows of it.
 *
 * <p><b>Shapes.</b> N steps, I inputs, C channels, float32:
 *
 * <pre>
 * steps    (N, I)   row-major; a missing value is 0, or NaN where the window is normalised later
 * targets  (N, K)   row-major, scaled forecast channels, NaN = missing: a window's target is H rows of it;
 *                   null unless the target is a forecast
 * scaled   [C](N)   scaled channels that per-window anchors need, NaN = missing; null without anchors
 * label    (N)      target at a step for class, event and remaining life; null for a forecast
 * </pre>
 */
record EncodedSegment(
    String series,
    long[] times,
    float[] steps,
    float[] targets,
    float[][] scaled,
    float[] label,
    int[] origins) {}
