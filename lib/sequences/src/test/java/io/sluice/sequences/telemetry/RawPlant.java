package io.sluice.sequences.telemetry;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;
import java.util.zip.GZIPOutputStream;

/**
 * Raw telemetry with what goes wrong in it, small and seeded: several readings a step or none, gaps
 * of up to {@value #LONGEST_GAP} steps, values missing one by one, rows sent twice, rows that
 * contradict an earlier one, everything out of order.
 *
 * <p>Values are multiples of 1/64, so that text, sums and means of them are exact.
 *
 * @param channels names of the value columns
 * @param rows in the order of the file
 * @param ordinal whether time is a cycle number
 */
record RawPlant(List<String> channels, List<Row> rows, boolean ordinal) {
  static final int LONGEST_GAP = 9;
  static final List<String> CHANNELS = List.of("flow", "pressure", "temp");
  static final List<String> STATES = List.of("idle", "run", "trip");
  private static final Instant START = Instant.parse("2024-01-03T05:00:00Z");
  private static final long HOUR = 3_600_000_000L;

  /**
   * One row of a wide table.
   *
   * @param tick microseconds since the epoch, or the cycle
   * @param arrival microseconds since the epoch
   * @param values a channel each; NaN = empty
   * @param state the label; null = empty
   */
  record Row(String series, long tick, long arrival, double[] values, String state) {}

  /** Hourly steps of pumps p1, p2, …, each with its own beginning. */
  static RawPlant hourly(long seed, int series, int steps) {
    return plant(seed, series, steps, START.getEpochSecond() * 1_000_000L, HOUR, false);
  }

  /** Cycles of engines 1, 2, …, one step each. */
  static RawPlant ordinal(long seed, int series, int steps) {
    return plant(seed, series, steps, 1, 1, true);
  }

  private static RawPlant plant(
      long seed, int series, int steps, long start, long stepTicks, boolean ordinal) {
    var random = new Random(seed);
    var rows = new ArrayList<Row>();
    for (int s = 1; s <= series; s++) {
      String name = ordinal ? String.valueOf(s) : "p" + s;
      int first = ordinal ? 0 : random.nextInt(12);
      int gap = 0;
      for (int n = first; n < first + steps; n++) {
        boolean isEdge = n == first || n == first + steps - 1;
        if (gap > 0 && !isEdge) {
          gap--;
          continue;
        }
        if (random.nextInt(25) == 0) {
          gap = 1 + random.nextInt(LONGEST_GAP);
        }
        int readings = ordinal ? 1 : 1 + random.nextInt(3);
        for (int i = 0; i < readings; i++) {
          long tick = start + n * stepTicks + (ordinal ? 0 : random.nextInt(60) * 60_000_000L);
          addRow(rows, random, name, tick, isEdge);
        }
      }
    }
    Collections.shuffle(rows, random);
    return new RawPlant(CHANNELS, List.copyOf(rows), ordinal);
  }

  private static void addRow(
      List<Row> rows, Random random, String series, long tick, boolean isEdge) {
    long arrival = START.getEpochSecond() * 1_000_000L + random.nextInt(1000) * 1_000_000L;
    var row = new Row(series, tick, arrival, values(random, isEdge), state(random));
    rows.add(row);
    if (random.nextInt(12) == 0) {
      rows.add(row); // sent twice
    }
    if (random.nextInt(12) == 0) {
      // corrected later, or contradicted at the same time
      long later = arrival + random.nextInt(2) * 1_000_000L;
      rows.add(new Row(series, tick, later, values(random, isEdge), state(random)));
    }
  }

  /**
   * At the edges of a record all channels are there, so that long tables begin and end there too.
   */
  private static double[] values(Random random, boolean isEdge) {
    var values = new double[CHANNELS.size()];
    for (int c = 0; c < values.length; c++) {
      values[c] =
          random.nextInt(10) == 0 && !isEdge ? Double.NaN : (random.nextInt(4096) - 1024) / 64.0;
    }
    return values;
  }

  private static String state(Random random) {
    return random.nextInt(8) == 0 ? null : STATES.get(random.nextInt(STATES.size()));
  }

  /** The same rows in another order. */
  RawPlant shuffled(long seed) {
    var shuffled = new ArrayList<>(rows);
    Collections.shuffle(shuffled, new Random(seed));
    return new RawPlant(channels, List.copyOf(shuffled), ordinal);
  }

  /** The rows that are wanted. */
  RawPlant where(Predicate<Row> wanted) {
    return new RawPlant(channels, rows.stream().filter(wanted).toList(), ordinal);
  }

  /**
   * Writes wide CSV: series, time, arrived, the channels, state; gzipped where the name says so.
   */
  Path wideCsv(Path file) {
    var lines = new ArrayList<String>();
    lines.add("series,time,arrived," + String.join(",", channels) + ",state");
    for (Row row : rows) {
      var line = new StringBuilder(row.series + "," + time(row.tick) + "," + instant(row.arrival));
      for (double value : row.values) {
        line.append(',').append(Double.isNaN(value) ? "" : value);
      }
      lines.add(line + "," + (row.state == null ? "" : row.state));
    }
    return write(file, lines);
  }

  /** Writes long CSV: unit, tag, at, reading, flag, arrived; a row per value. */
  Path longCsv(Path file) {
    var lines = new ArrayList<String>();
    lines.add("unit,tag,at,reading,flag,arrived");
    for (Row row : rows) {
      for (int c = 0; c < channels.size(); c++) {
        if (!Double.isNaN(row.values[c])) {
          lines.add(longLine(row, channels.get(c), String.valueOf(row.values[c])));
        }
      }
      if (row.state != null) {
        lines.add(longLine(row, "state", row.state));
      }
      lines.add(longLine(row, "vibration", "7")); // a tag that nobody asks for
    }
    return write(file, lines);
  }

  private String longLine(Row row, String tag, String value) {
    return String.join(
        ",", row.series, tag, time(row.tick), value, "Good", instant(row.arrival).toString());
  }

  private String time(long tick) {
    return ordinal ? String.valueOf(tick) : instant(tick).toString();
  }

  private static Instant instant(long micros) {
    return Instant.ofEpochSecond(micros / 1_000_000L);
  }

  private static Path write(Path file, List<String> lines) {
    byte[] text = (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8);
    try {
      Files.createDirectories(file.getParent());
      try (OutputStream out =
          file.toString().endsWith(".gz")
              ? new GZIPOutputStream(Files.newOutputStream(file))
              : Files.newOutputStream(file)) {
        out.write(text);
      }
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
