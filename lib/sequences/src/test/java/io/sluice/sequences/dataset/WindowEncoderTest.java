package io.sluice.sequences.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.sequences.dataset.WindowContract.Calendar;
import io.sluice.sequences.dataset.WindowContract.Scaling;
import io.sluice.sequences.dataset.WindowContract.Target;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import io.sluice.sequences.dataset.WindowContract.WindowNormalization;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class WindowEncoderTest {
  // values about 50 / scale 0.5 → 100 in scaled units, float32: 100 · 6e-8 twice (value and anchor)
  private static final double TOLERANCE = 2e-5;

  /** 300 contracts of every kind; one window at a time, a run of them, and any of two segments. */
  @Test
  void anyContractMatchesTheReference() {
    int windows = 0;
    for (long seed = 0; seed < 300; seed++) {
      var random = new RandomWindows(seed);
      WindowContract contract = random.contract();
      var encoder = new WindowEncoder(contract, true);
      var segments = List.of(random.segment(contract, "a"), random.segment(contract, "b"));
      windows += assertMixedWindows("seed " + seed, contract, encoder, segments);
      for (Segment segment : segments) {
        WindowBatch batch = encoder.newBatch(segment.windows() + 2);
        encoder.begin(batch, segment.windows() + 1);

        encoder.encodeAll(segment, 0, segment.windows(), batch, 0);
        encoder.encode(segment, segment.origins()[0], batch, segment.windows());

        for (int b = 0; b < batch.size(); b++) {
          int origin = segment.origins()[b % segment.windows()];
          assertWindow("seed " + seed + " window " + b, contract, segment, origin, batch, b);
          windows++;
        }
      }
    }
    assertThat(windows).isGreaterThan(5000);
  }

  /** Windows of two segments in turn, from the last to the first, behind a slot left alone. */
  private static int assertMixedWindows(
      String what, WindowContract contract, WindowEncoder encoder, List<Segment> segments) {
    int count = 2 * Math.min(segments.get(0).windows(), segments.get(1).windows());
    var encoded = segments.stream().map(encoder::encoded).toArray(EncodedSegment[]::new);
    var sources = new EncodedSegment[count];
    int[] origins = new int[count];
    for (int j = 0; j < count; j++) {
      sources[j] = encoded[j % 2];
      origins[j] = segments.get(j % 2).origins()[(count - 1 - j) / 2];
    }
    WindowBatch batch = encoder.newBatch(count + 1);

    encoder.encodeEach(sources, origins, count, batch, 1);

    for (int j = 0; j < count; j++) {
      assertWindow(what + " mixed " + j, contract, segments.get(j % 2), origins[j], batch, j + 1);
    }
    return count;
  }

  @Test
  void aSegmentWithoutAFutureHasUnknownTargets() {
    WindowContract contract = contract(4, 2, WindowNormalization.NONE, Scaler.IDENTITY);
    Segment segment = segment(new float[] {1, 2, 3, 4, 5}, 3, 4);
    var encoder = new WindowEncoder(contract);
    WindowBatch batch = encoder.newBatch(2);

    encoder.begin(batch, 2);
    encoder.encodeAll(segment, 0, 2, batch, 0);

    assertThat(batch.targets()).containsExactly(5, Float.NaN, Float.NaN, Float.NaN);
  }

  /** By hand: values 2, NaN, 6 with centre 4 and scale 2 are −1, missing, 1. */
  @Test
  void missingValuesAreZeroAfterScalingAndAfterNormalization() {
    Segment segment = segment(new float[] {2, Float.NaN, 6, 8}, 2);

    assertThat(window(contract(3, 1, WindowNormalization.NONE, new Scaler(4, 2, 9)), segment, 2))
        .containsExactly(-1, 0, 1);
    assertThat(window(contract(3, 1, WindowNormalization.LAST, new Scaler(4, 2, 9)), segment, 2))
        .containsExactly(-2, 0, 0);
    assertThat(window(contract(3, 1, WindowNormalization.MEAN, new Scaler(4, 2, 9)), segment, 2))
        .containsExactly(-1, 0, 1);
    assertThat(window(contract(2, 1, WindowNormalization.LAST, new Scaler(4, 2, 9)), segment, 1))
        .as("the newest known value where the origin itself is missing")
        .containsExactly(0, 0);
  }

  @ParameterizedTest
  @EnumSource(WindowNormalization.class)
  void targetsTurnBackIntoTheirOwnUnits(WindowNormalization normalization) {
    for (int Q : new int[] {1, 3}) {
      TinyDataset tiny =
          TinyDataset.forecast().noise(2).scalersBySeries().windowNormalization(normalization);
      var encoder = new WindowEncoder(tiny.contract());
      WindowBatch batch = encoder.newBatch(20);
      encoder.begin(batch, 20);
      List<Segment> segments = tiny.segments(Split.TRAIN);
      Segment first = segments.get(1);
      Segment last = segments.get(segments.size() - 2);
      assertThat(last.series()).isNotEqualTo(first.series());
      encoder.encodeAll(first, 0, 10, batch, 0);
      encoder.encodeAll(last, 0, 10, batch, 10);
      int perWindow = tiny.contract().targetSize();
      float[] predictions = new float[20 * perWindow * Q];
      for (int i = 0; i < predictions.length; i++) {
        predictions[i] = batch.targets()[i / Q];
      }

      encoder.toOriginalUnits(batch, predictions, Q);

      for (int b = 0; b < 20; b++) {
        Segment segment = b < 10 ? first : last;
        for (int i = 0; i < perWindow; i++) {
          int n = segment.origins()[b % 10] + 1 + i / 2;
          for (int q = 0; q < Q; q++) {
            assertThat(predictions[(b * perWindow + i) * Q + q])
                .isCloseTo(segment.values()[i % 2][n], within(1e-5f)); // 30 · float32 rounding
          }
        }
      }
    }
  }

  @Test
  void remainingLifeIsScaledByItsCap() {
    TinyDataset tiny = TinyDataset.remainingLife();
    var encoder = new WindowEncoder(tiny.contract());
    List<Segment> segments = tiny.segments(Split.TEST);
    Segment end = segments.get(segments.size() - 1);
    WindowBatch batch = encoder.newBatch(2);
    encoder.begin(batch, 2);

    Segment start = tiny.segments(Split.TRAIN).get(0);
    encoder.encode(start, start.origins()[0], batch, 0);
    encoder.encode(end, end.steps() - 11, batch, 1);

    assertThat(batch.targets()).containsExactly(125 / 125f, 10 / 125f);
    float[] predictions = {1, 0.08f};
    encoder.toOriginalUnits(batch, predictions, 1);
    assertThat(predictions).containsExactly(125, 10);
  }

  @Test
  void classesAndEventsAreLabelsAndProbabilitiesStayAsTheyAre() {
    TinyDataset tiny = TinyDataset.classes();
    var encoder = new WindowEncoder(tiny.contract());
    Segment segment = tiny.segments(Split.TRAIN).get(1);
    WindowBatch batch = encoder.newBatch(24);
    encoder.begin(batch, 24);

    encoder.encodeAll(segment, 0, 24, batch, 0);

    for (int b = 0; b < 24; b++) {
      long hour = batch.origin(b) / 3_600_000_000L % 24;
      assertThat(batch.targets()[b]).isEqualTo(hour / 8);
    }
    float[] probabilities = {0.2f, 0.3f, 0.5f};
    encoder.toOriginalUnits(batch, probabilities, 1);
    assertThat(probabilities).containsExactly(0.2f, 0.3f, 0.5f);
  }

  /** Berlin, 31 March 2024: the clock goes from 02:00 to 03:00, so 01:30 UTC is half past three. */
  @Test
  void calendarFollowsTheClockOnTheWall() {
    assertThat(hourAngle("2024-03-31T00:30:00Z", "Europe/Berlin")).isCloseTo(1.5, within(1e-6));
    assertThat(hourAngle("2024-03-31T01:30:00Z", "Europe/Berlin")).isCloseTo(3.5, within(1e-6));
    assertThat(hourAngle("2024-10-27T00:30:00Z", "Europe/Berlin")).isCloseTo(2.5, within(1e-6));
    assertThat(hourAngle("2024-10-27T01:30:00Z", "Europe/Berlin")).isCloseTo(2.5, within(1e-6));
    assertThat(hourAngle("2024-10-27T01:30:00Z", "UTC")).isCloseTo(1.5, within(1e-6));
    assertThat(hourAngle("1969-12-31T23:00:00Z", "Asia/Kolkata")).isCloseTo(4.5, within(1e-6));
  }

  @Test
  void daysAndMonthsTurnWithTheirCycles() {
    float[] steps = new float[6];
    long micros = ZonedDateTime.parse("2024-12-31T12:00:00Z").toEpochSecond() * 1_000_000;

    new CalendarCycles(
            new TimeAxis(TimeAxis.Type.TIMESTAMP, 1),
            List.of(Calendar.DAY_OF_WEEK, Calendar.DAY_OF_YEAR, Calendar.MONTH),
            "UTC")
        .fill(new long[] {micros}, steps, 6, 0);

    // a Tuesday, day 366 of a leap year, month 12
    assertThat(turn(steps, 0)).isCloseTo(1 / 7.0, within(1e-6));
    assertThat(turn(steps, 2)).isCloseTo(365 / 366.0, within(1e-6));
    assertThat(turn(steps, 4)).isCloseTo(11 / 12.0, within(1e-6));
  }

  @Test
  void refusesWhatItCannotEncode() {
    WindowContract contract = contract(4, 2, WindowNormalization.NONE, Scaler.IDENTITY);
    Segment segment = segment(new float[] {1, 2, 3, 4, 5}, 3);
    var encoder = new WindowEncoder(contract);
    WindowBatch batch = encoder.newBatch(2);
    encoder.begin(batch, 1);

    assertThatThrownBy(() -> encoder.encode(segment, 2, batch, 0))
        .hasMessage("origin is 2, expected 3 ≤ origin < 5 (look-back 4, 5 steps in series s)");
    assertThatThrownBy(() -> encoder.encode(segment, 5, batch, 0))
        .hasMessage("origin is 5, expected 3 ≤ origin < 5 (look-back 4, 5 steps in series s)");
    assertThatThrownBy(() -> encoder.encode(segment, 3, batch, 1))
        .hasMessage("slot is 1, the batch has 1 windows");
    assertThatThrownBy(() -> encoder.begin(batch, 3)).hasMessage("size is 3, capacity 2");
    encoder.encode(segment, 3, batch, 0);
    assertThatThrownBy(() -> encoder.toOriginalUnits(batch, new float[5], 3))
        .hasMessage("predictions has length 5, expected B*H*K*Q = 6 (B=1, H*K*Q=6)");
    assertThatThrownBy(() -> new WindowEncoder(TinyDataset.forecast().inputs("lode").contract()))
        .hasMessage("inputs names channel lode, but the stored channels are [load, temperature]");
    WindowContract masked = TinyDataset.forecast().masks().contract();
    Segment unmasked = TinyDataset.forecast().segments(Split.TRAIN).get(0);
    var maskedEncoder = new WindowEncoder(masked);
    assertThatThrownBy(() -> maskedEncoder.encode(unmasked, 30, maskedEncoder.newBatch(1), 0))
        .hasMessageEndingWith("has no ages, but the contract has masks or time since last");
    assertThatThrownBy(
            () ->
                new WindowEncoder(
                    TinyDataset.forecast().ordinal().calendar(Calendar.MONTH).contract()))
        .hasMessage("calendar inputs [MONTH] need time stamps, but time is ordinal");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void aSmallerBatchIsPackedWithoutHoles(int size) {
    WindowContract contract = contract(3, 1, WindowNormalization.NONE, Scaler.IDENTITY);
    Segment segment = segment(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 3, 4, 5, 6);
    var encoder = new WindowEncoder(contract);
    WindowBatch batch = encoder.newBatch(5);

    encoder.begin(batch, size);
    encoder.encodeAll(segment, 0, size, batch, 0);

    for (int t = 0; t < 3; t++) {
      for (int b = 0; b < size; b++) {
        assertThat(batch.inputs()[t * size + b]).isEqualTo(b + t + 1);
      }
    }
  }

  private static void assertWindow(
      String what, WindowContract contract, Segment segment, int origin, WindowBatch batch, int b) {
    var reference = new WindowReference(contract, segment, origin);
    int I = contract.inputSize();
    int T = contract.lookBack();
    int K = contract.targetSize();
    for (int t = 0; t < T; t++) {
      assertNumbers(
          what + " inputs of step " + t + " of " + contract,
          reference.inputs(t),
          batch.inputs(),
          (t * batch.size() + b) * I);
      assertNumbers(
          what + " sequence targets of step " + t + " of " + contract,
          reference.targets(origin - T + 1 + t),
          batch.sequenceTargets(),
          (b * T + t) * K);
    }
    assertNumbers(what + " targets", reference.targets(origin), batch.targets(), b * K);
    List<String> targets = contract.target().channels();
    assertNumbers(
        what + " anchors",
        targets.stream().map(reference::anchor).toList(),
        batch.anchors(),
        b * targets.size());
    assertThat(batch.series(b)).isEqualTo(segment.series());
    assertThat(batch.origin(b)).isEqualTo(segment.times()[origin]);
  }

  private static void assertNumbers(
      String what, List<Double> expected, float[] actual, int offset) {
    for (int i = 0; i < expected.size(); i++) {
      double error = Math.abs(expected.get(i) - actual[offset + i]);
      boolean bothNaN = expected.get(i).isNaN() && Float.isNaN(actual[offset + i]);
      if (!bothNaN && !(error <= TOLERANCE)) {
        throw new AssertionError(
            "%s: number %d is %s, expected %s"
                .formatted(what, i, actual[offset + i], expected.get(i)));
      }
    }
  }

  private static float[] window(WindowContract contract, Segment segment, int origin) {
    var encoder = new WindowEncoder(contract);
    WindowBatch batch = encoder.newBatch(1);
    encoder.begin(batch, 1);
    encoder.encode(segment, origin, batch, 0);
    return batch.inputs();
  }

  private static WindowContract contract(
      int lookBack, int horizon, WindowNormalization normalization, Scaler scaler) {
    return new WindowContract(
        new TimeAxis(TimeAxis.Type.ORDINAL, 1),
        lookBack,
        horizon,
        1,
        List.of("x"),
        List.of("x"),
        false,
        false,
        0,
        List.of(),
        "UTC",
        List.of(),
        new Target(TargetType.FORECAST, List.of("x"), List.of(), 0, 0),
        new Scaling("standard", normalization, Map.of("x", scaler), Map.of()));
  }

  private static Segment segment(float[] values, int... origins) {
    long[] times = new long[values.length];
    for (int n = 0; n < times.length; n++) {
      times[n] = n;
    }
    return new Segment("s", 0, times, new float[][] {values}, null, null, origins);
  }

  /** The hour on the wall that sine and cosine stand for. */
  private static double hourAngle(String instant, String zone) {
    float[] steps = new float[2];
    long micros = ZonedDateTime.parse(instant).toEpochSecond() * 1_000_000;
    new CalendarCycles(
            new TimeAxis(TimeAxis.Type.TIMESTAMP, 1), List.of(Calendar.HOUR_OF_DAY), zone)
        .fill(new long[] {micros}, steps, 2, 0);
    return 24 * turn(steps, 0);
  }

  /** The phase in [0, 1) of a sine and the cosine behind it. */
  private static double turn(float[] steps, int at) {
    double turn = Math.atan2(steps[at], steps[at + 1]) / (2 * Math.PI);
    return turn < 0 ? turn + 1 : turn;
  }
}
