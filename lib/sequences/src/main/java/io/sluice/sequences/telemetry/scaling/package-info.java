/**
 * Scalers fitted on train rows, and on nothing else.
 *
 * <p>Main type: {@link io.sluice.sequences.telemetry.scaling.ScalerFit}. Train rows are the steps
 * stored in the train split, each counted once although neighbouring segments share some, with the
 * values that are there after the gap policy. They are read back from the written Parquet, so a
 * rebuild of a time range refits over old and new rows alike.
 *
 * <p>The decision worth knowing: sums are taken per part, about the part's first value, in double,
 * and combined in the order of the parts' paths (Chan, Golub and LeVeque, "Algorithms for computing
 * the sample variance", 1983). Parts do not depend on the number of Spark partitions, so neither
 * does a single bit of a scaler. Medians and quartiles are exact: values are 32 bits wide, and two
 * counting passes over their upper and lower halves find any order statistic in little memory.
 */
package io.sluice.sequences.telemetry.scaling;
