package io.sluice.sequences.simulation;

import java.util.Map;

/**
 * What one run of simulate wrote; the last line of the job's output as JSON.
 *
 * @param output the folder that was published
 * @param paths the tables, by name: historian, wide, events
 * @param rows rows of each table
 * @param units machines, by kind
 * @param failures failures in the events table
 * @param firstTime time of the first reading, ISO 8601
 * @param lastTime time of the last reading
 * @param seconds wall-clock time
 */
public record SimulationReport(
    String output,
    Map<String, String> paths,
    Map<String, Long> rows,
    Map<String, Long> units,
    long failures,
    String firstTime,
    String lastTime,
    double seconds) {}
