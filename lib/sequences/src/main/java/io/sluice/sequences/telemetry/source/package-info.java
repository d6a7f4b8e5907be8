/**
 * The readings that can be used of raw tables of telemetry.
 *
 * <p>Main types: {@link io.sluice.sequences.telemetry.source.ChannelDiscovery} finds the channels
 * and classes in it, {@link io.sluice.sequences.telemetry.source.Readings} judges every row and
 * value, {@link io.sluice.sequences.telemetry.source.Survey} is the first pass over them: counts by
 * reason, the extent of each series, the fingerprint of the source.
 *
 * <p>Judging is written as Spark SQL expressions, so that Parquet columns are judged in generated
 * code; only time stamps in text go through a function of our own ({@code TimeText}), because Spark
 * forgives a time that does not exist (daylight saving) and knows one session zone only.
 *
 * <p>A row is rejected where its series or time cannot be known, or (long layout) its one value. A
 * wide row with one bad value keeps its others: the value becomes missing and is counted.
 *
 * <p>May use the tables of {@code io.sluice.sequences.source}, the settings of {@code
 * io.sluice.sequences.telemetry} and Spark SQL.
 */
package io.sluice.sequences.telemetry.source;
