/**
 * Raw telemetry to a sequence dataset: the job {@code build-sequences}.
 *
 * <p>Main types: {@link io.sluice.sequences.telemetry.SequenceSettings} is read from a settings
 * file, {@link io.sluice.sequences.telemetry.SequenceBuilder} builds and publishes, {@link
 * io.sluice.sequences.telemetry.SegmentStream} prepares new raw data in the same way for scoring.
 */
package io.sluice.sequences.telemetry;
