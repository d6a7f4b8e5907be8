/**
 * Which windows are for training, validation and test.
 *
 * <p>Main type: {@link io.sluice.sequences.telemetry.split.SplitPlan}.
 *
 * <p><b>The rule.</b> A split by time gives each split a range of steps [lo, hi). A window with its
 * last look-back step at o has its targets at o+1 … o+H (at o itself with H = 0, for class, event
 * and remaining-life targets), and belongs to the split whose range holds all of them. Its inputs,
 * o−T+1 … o, must lie in the record and may lie before lo.
 *
 * <p><b>The embargo</b> of E steps moves the beginning of validation and test, lo, E steps later,
 * so that their first inputs lie at lo + E − T or after it:
 *
 * <ul>
 *   <li>E = 0 is the published protocol of ETT and others: targets are disjoint, and validation and
 *       test read up to T steps of the split before as context.
 *   <li>E ≥ T: no row is shared between splits, be it as input or as target.
 *   <li>E = T + H, the default, also keeps H steps between the last target of one split and the
 *       first input of the next.
 * </ul>
 *
 * <p>{@code fraction} divides the steps from the first to the last of all series together, so that
 * splits share one calendar; {@code rows} counts the steps of each series that have a row, as
 * published protocols do; {@code instant} is a date. A split by series gives whole series away, and
 * needs no embargo.
 *
 * <p>A fraction moves when data is added. A rebuild of a time range therefore takes the bounds that
 * the first build recorded in the manifest.
 */
package io.sluice.sequences.telemetry.split;
