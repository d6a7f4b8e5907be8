package io.sluice.sequences.telemetry.grid;

import io.sluice.sequences.dataset.TimeAxis;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;

/**
 * Time cut into steps, steps into blocks, blocks into periods; all aligned to zero, so that each is
 * a function of the time alone and late data never moves a boundary.
 *
 * <pre>
 * step   = ⌊ticks / stepTicks⌋
 * block  = ⌊step / segmentSteps⌋                  the origins one segment owns
 * period = ⌊block start in ticks / periodTicks⌋   a Parquet partition
 * </pre>
 *
 * @param axis the steps
 * @param segmentSteps steps in a block
 * @param periodTicks ticks in a period
 */
public record Grid(TimeAxis axis, int segmentSteps, long periodTicks) implements Serializable {
  private static final long MICROS_PER_DAY = 86_400_000_000L;

  public long step(long tick) {
    return Math.floorDiv(tick, axis.stepTicks());
  }

  /** Start of a step, ticks. */
  public long tick(long step) {
    return Math.multiplyExact(step, axis.stepTicks());
  }

  public long block(long step) {
    return Math.floorDiv(step, (long) segmentSteps);
  }

  public long firstStep(long block) {
    return Math.multiplyExact(block, (long) segmentSteps);
  }

  public long period(long block) {
    return Math.floorDiv(tick(firstStep(block)), periodTicks);
  }

  /** Steps that cover a duration; ordinal time counts its seconds as ticks. */
  public int steps(Duration duration) {
    long ticks =
        switch (axis.type()) {
          case TIMESTAMP -> duration.toNanos() / 1000;
          case ORDINAL -> duration.toSeconds();
        };
    return Math.toIntExact((ticks + axis.stepTicks() - 1) / axis.stepTicks());
  }

  /** The folder of a period: the date of its start, or the ordinal number in ten digits. */
  public String periodName(long period) {
    long start = Math.multiplyExact(period, periodTicks);
    if (axis.type() == TimeAxis.Type.ORDINAL) {
      return "%010d".formatted(start);
    }
    LocalDateTime at =
        LocalDateTime.ofInstant(Instant.EPOCH.plus(start, ChronoUnit.MICROS), ZoneOffset.UTC);
    return periodTicks % MICROS_PER_DAY == 0
        ? at.toLocalDate().toString()
        : DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH-mm-ss").format(at);
  }

  /** SQL for {@link #step} of a column of ticks. */
  public String stepSql(String tick) {
    return floorDiv(tick, axis.stepTicks());
  }

  /** SQL for {@link #block} of an expression of steps. */
  public String blockSql(String step) {
    return floorDiv(step, segmentSteps);
  }

  /** SQL for {@link #period} of an expression of blocks. */
  public String periodSql(String block) {
    return floorDiv(
        "(%s * %dL)".formatted(block, Math.multiplyExact(axis.stepTicks(), (long) segmentSteps)),
        periodTicks);
  }

  // div truncates towards zero and / goes through double: neither is a floor
  private static String floorDiv(String dividend, long divisor) {
    return "((%1$s - pmod(%1$s, %2$dL)) div %2$dL)".formatted(dividend, divisor);
  }
}
