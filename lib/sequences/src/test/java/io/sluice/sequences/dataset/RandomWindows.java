package io.sluice.sequences.dataset;

import io.sluice.sequences.dataset.WindowContract.Calendar;
import io.sluice.sequences.dataset.WindowContract.Scaling;
import io.sluice.sequences.dataset.WindowContract.Target;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import io.sluice.sequences.dataset.WindowContract.WindowNormalization;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Contracts and segments drawn at random from a seed, for tests that hold for any of them. */
final class RandomWindows {
  private static final List<String> ZONES =
      List.of("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe");

  private final Random random;

  RandomWindows(long seed) {
    random = new Random(seed);
  }

  WindowContract contract() {
    List<String> channels =
        IntStream.range(0, 1 + random.nextInt(5)).mapToObj(c -> "c" + c).toList();
    TargetType type = TargetType.values()[random.nextInt(TargetType.values().length)];
    boolean forecast = type == TargetType.FORECAST;
    boolean ordinal = random.nextInt(4) == 0;
    long stepTicks = ordinal ? 1 + random.nextInt(3) : 60_000_000L * (1 + random.nextInt(90));
    var global = new TreeMap<String, Scaler>();
    var bySeries = new TreeMap<String, Map<String, Scaler>>();
    for (String channel : channels) {
      global.put(channel, scaler());
      if (random.nextInt(3) == 0) {
        bySeries.computeIfAbsent("a", s -> new TreeMap<>()).put(channel, scaler());
      }
    }
    return new WindowContract(
        new TimeAxis(ordinal ? TimeAxis.Type.ORDINAL : TimeAxis.Type.TIMESTAMP, stepTicks),
        1 + random.nextInt(12),
        forecast ? 1 + random.nextInt(5) : 0,
        1 + random.nextInt(3),
        channels,
        some(channels, 1),
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextInt(8),
        ordinal ? List.of() : some(List.of(Calendar.values()), 0),
        ZONES.get(random.nextInt(ZONES.size())),
        some(channels, 0),
        new Target(
            type,
            forecast ? some(channels, 1) : List.of(),
            type == TargetType.CLASS ? List.of("x", "y", "z") : List.of(),
            0,
            type == TargetType.REMAINING_LIFE ? 30 : 0),
        new Scaling("standard", WindowNormalization.values()[random.nextInt(3)], global, bySeries));
  }

  /** Up to 80 steps with gaps, from a day around a change of daylight saving. */
  Segment segment(WindowContract contract, String series) {
    int steps = contract.lookBack() + contract.horizon() + random.nextInt(60);
    long start = Instant.parse("2024-03-30T12:00:00Z").getEpochSecond() * 1_000_000;
    if (contract.time().type() == TimeAxis.Type.ORDINAL) {
      start = 17;
    }
    long[] times = new long[steps];
    for (int n = 0; n < steps; n++) {
      times[n] = start + n * contract.time().stepTicks();
    }
    int C = contract.channels().size();
    float[][] values = new float[C][steps];
    short[][] ages = contract.storesAges() ? new short[C][] : null;
    float[] label = contract.storesLabel() ? new float[steps] : null;
    double missing = random.nextInt(3) * 0.3;
    for (int c = 0; c < C; c++) {
      for (int n = 0; n < steps; n++) {
        values[c][n] =
            random.nextDouble() < missing ? Float.NaN : (float) (20 + 10 * random.nextGaussian());
      }
      if (ages != null && contract.inputs().contains(contract.channels().get(c))) {
        ages[c] = new short[steps];
        for (int n = 0; n < steps; n++) {
          ages[c][n] = random.nextInt(9) == 0 ? Short.MAX_VALUE : (short) random.nextInt(12);
        }
      }
    }
    for (int n = 0; label != null && n < steps; n++) {
      label[n] = random.nextInt(10) == 0 ? Float.NaN : random.nextInt(60);
    }
    // scoring has origins without a target behind them: the last ones reach past the end
    int[] origins =
        IntStream.range(contract.lookBack() - 1, steps)
            .filter(n -> (n - contract.lookBack() + 1) % contract.stride() == 0)
            .toArray();
    return new Segment(series, random.nextInt(9), times, values, ages, label, origins);
  }

  private Scaler scaler() {
    return new Scaler(10 * random.nextGaussian(), 0.5 + 5 * random.nextDouble(), 100);
  }

  private <E> List<E> some(List<E> all, int atLeast) {
    var shuffled = new ArrayList<>(all);
    Collections.shuffle(shuffled, random);
    int count = atLeast + random.nextInt(all.size() - atLeast + 1);
    return List.copyOf(shuffled.subList(0, count));
  }
}
