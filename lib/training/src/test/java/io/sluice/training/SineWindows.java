package io.sluice.training;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.Scaler;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowEncoder;
import io.sluice.training.loop.Windows;
import io.sluice.training.loop.WindowsSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.hadoop.conf.Configuration;

/**
 * Windows of a sine and a cosine, made in memory: 12 steps in, 3 steps of the sine out. Window w of
 * a split starts at phase 0.37·w, shifted for validation.
 */
record SineWindows(int train, int validation) implements WindowsSource {
  static final int LOOK_BACK = 12;
  static final int HORIZON = 3;
  private static final double STEP = 0.5;

  static WindowContract contract() {
    return new WindowContract(
        new TimeAxis(TimeAxis.Type.ORDINAL, 1),
        LOOK_BACK,
        HORIZON,
        1,
        List.of("sine", "cosine"),
        List.of("sine", "cosine"),
        false,
        false,
        0,
        List.of(),
        "UTC",
        List.of(),
        new WindowContract.Target(
            WindowContract.TargetType.FORECAST, List.of("sine"), List.of(), 0, 0),
        new WindowContract.Scaling(
            "standard",
            WindowContract.WindowNormalization.NONE,
            Map.of("sine", new Scaler(10, 2, 100), "cosine", new Scaler(0, 1, 100)),
            Map.of()));
  }

  LearnableWindows learnable() {
    return learnable("segments", "hash");
  }

  LearnableWindows learnable(String layout, String contentHash) {
    var manifest =
        new SequenceManifest(
            SequenceManifest.FORMAT,
            "sine",
            layout,
            contract(),
            JsonNodeFactory.instance.objectNode(),
            Map.of("train", summary(train), "validation", summary(validation)),
            JsonNodeFactory.instance.objectNode(),
            0,
            List.of(new SequenceManifest.Part("part", "train", 1, train, train, contentHash)),
            new SequenceManifest.SourceFingerprint("memory", 1, train, null, null, "source"),
            Map.of(),
            Map.of(),
            Map.of(),
            "config",
            "code",
            "2024-01-01T00:00:00Z",
            new SequenceManifest.Audit(true, List.of()),
            null);
    return new LearnableWindows(manifest, "memory:/sine", this);
  }

  private static SequenceManifest.SplitSummary summary(int windows) {
    return new SequenceManifest.SplitSummary(1, 1, windows, windows, 0L, (long) windows);
  }

  @Override
  public Windows open(Configuration hadoop) {
    return new InMemory(this);
  }

  private record InMemory(SineWindows sizes) implements Windows {
    @Override
    public WindowContract contract() {
      return SineWindows.contract();
    }

    @Override
    public long count(Split split) {
      return split == Split.TRAIN ? sizes.train : sizes.validation;
    }

    @Override
    public Shards shards(Dealing dealing, int rank, int ranks, long memoryBytes) {
      return new Shards() {
        @Override
        public Batches epoch(int epoch, long fromStep) {
          int[] order = IntStream.range(0, sizes.train).toArray();
          var random = new SplittableRandom(dealing.seed() * 1000 + epoch);
          for (int i = order.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int kept = order[i];
            order[i] = order[j];
            order[j] = kept;
          }
          int steps = (int) dealing.steps(order.length);
          return batches(
              order,
              0,
              dealing.batchSize(),
              (int) fromStep,
              steps,
              position -> position % dealing.shards() % ranks == rank);
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public Batches inOrder(Split split, int batchSize, int rank, int ranks) {
      int[] order = IntStream.range(0, (int) count(split)).toArray();
      int batches = (order.length + batchSize - 1) / batchSize;
      int end = batches * (rank + 1) / ranks;
      return batches(order, 0.1, batchSize, batches * rank / ranks, end, position -> true);
    }

    private static Batches batches(
        int[] order, double shift, int batchSize, int first, int end, IntPredicate isMine) {
      var encoder = new WindowEncoder(SineWindows.contract());
      WindowBatch batch = encoder.newBatch(batchSize);
      return new Batches() {
        private int number = first;

        @Override
        public boolean hasNext() {
          return number < end;
        }

        @Override
        public WindowBatch next() {
          int from = number++ * batchSize;
          int to = Math.min(order.length, from + batchSize);
          int[] mine = IntStream.range(from, to).filter(isMine).toArray();
          batch.share(Arrays.stream(mine).asLongStream().toArray(), to - from);
          for (int b = 0; b < mine.length; b++) {
            encoder.encode(segment(0.37 * order[mine[b]] + shift), LOOK_BACK - 1, batch, b);
          }
          return batch;
        }

        @Override
        public void close() {
          number = end;
        }
      };
    }

    /** A segment of one window, in the channels' own units. */
    private static Segment segment(double phase) {
      int steps = LOOK_BACK + HORIZON;
      var values = new float[2][steps];
      for (int n = 0; n < steps; n++) {
        values[0][n] = (float) (10 + 2 * Math.sin(phase + STEP * n));
        values[1][n] = (float) Math.cos(phase + STEP * n);
      }
      long[] times = LongStream.range(0, steps).toArray();
      return new Segment("wave", 0, times, values, null, null, new int[] {LOOK_BACK - 1});
    }
  }
}
