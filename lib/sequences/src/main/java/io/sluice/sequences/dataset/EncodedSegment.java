package io.sluice.sequences.dataset;

/**
 * A segment as a network would see it, step by step: scaled, with calendar, masks and known-future
 * inputs in place, so that a window is T rows of it.
 *
 * <p><b>Shapes.</b> N steps, I inputs, C channels, float32:
 *
 * <pre>
 * steps    (N, I)   row-major; a missing value is 0, or NaN where the window is normalised later
 * scaled   [C](N)   scaled channels that targets or anchors need, NaN = missing; else null
 * label    (N)      target at a step for class, event and remaining life; null for a forecast
 * </pre>
 */
record EncodedSegment(
    String series, long[] times, float[] steps, float[][] scaled, float[] label, int[] origins) {}
