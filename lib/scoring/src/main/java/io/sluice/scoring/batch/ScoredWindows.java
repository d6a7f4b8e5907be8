package io.sluice.scoring.batch;

import io.sluice.failure.OperationFailedException;
import io.sluice.scoring.bundle.Decision;
import io.sluice.scoring.bundle.PredictionInterval;
import io.sluice.scoring.bundle.Predictions;
import io.sluice.scoring.bundle.Predictor;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowEncoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Windows of segments, scored a batch at a time as the iterator advances. Holds one batch of inputs
 * and the segments it was cut from, never more.
 */
final class ScoredWindows implements Iterator<ScoredWindow> {
  private final Iterator<Segment> segments;
  private final WindowContract contract;
  private final WindowEncoder encoder;
  private final Predictor predictor;
  private final double interval;
  private final Decision decision;
  private final int batchSize;
  private final WindowBatch batch;
  private final int[] inputs;
  private final ObservedInputs observed;
  private final Consumer<ObservedInputs> atEnd;

  // the next batch as runs of neighbouring windows: segment, first window of it, how many
  private final List<Run> runs = new ArrayList<>();

  private Segment current;
  private int nextWindow;
  private Predictions predictions;
  private Optional<PredictionInterval> bounds = Optional.empty();
  private int size;
  private int position;
  private boolean ended;

  /**
   * @param batchSize windows a forward pass; the last batch may be smaller
   * @param interval share of actual values the interval should hold
   * @param decision what class probabilities stand for
   * @param partition the Spark partition
   * @param atEnd told what was there to look at, once the last segment is scored
   */
  ScoredWindows(
      Iterator<Segment> segments,
      WindowContract contract,
      Predictor predictor,
      int batchSize,
      double interval,
      Decision decision,
      int partition,
      Consumer<ObservedInputs> atEnd) {
    this.segments = segments;
    this.contract = contract;
    this.encoder = new WindowEncoder(contract);
    this.predictor = predictor;
    this.interval = interval;
    this.decision = decision;
    this.batch = encoder.newBatch(batchSize);
    this.batchSize = batchSize;
    this.inputs = ObservedInputs.indices(contract);
    this.observed = new ObservedInputs(partition, inputs.length);
    this.atEnd = atEnd;
  }

  @Override
  public boolean hasNext() {
    if (position == size) {
      scoreNextBatch();
    }
    return position < size;
  }

  @Override
  public ScoredWindow next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no window is left");
    }
    return window(position++);
  }

  /** Neighbouring windows of one segment. */
  private record Run(Segment segment, int first, int count) {}

  private void scoreNextBatch() {
    position = 0;
    size = 0;
    runs.clear();
    while (size < batchSize && advance()) {
      int count = Math.min(batchSize - size, current.windows() - nextWindow);
      runs.add(new Run(current, nextWindow, count));
      nextWindow += count;
      size += count;
    }
    if (size == 0) {
      return;
    }
    encoder.begin(batch, size);
    int b = 0;
    for (Run run : runs) {
      encoder.encodeAll(run.segment(), run.first(), run.count(), batch, b);
      b += run.count();
    }
    predictions = predictor.predict(batch);
    bounds = predictor.interval(predictions, interval);
  }

  /** Moves to a segment that has a window left. */
  private boolean advance() {
    while (current == null || nextWindow == current.windows()) {
      if (!segments.hasNext()) {
        if (!ended) {
          ended = true;
          atEnd.accept(observed);
        }
        return false;
      }
      current = segments.next();
      nextWindow = 0;
      if (current.windows() > 0) {
        observed.add(current, inputs);
      }
    }
    return true;
  }

  private ScoredWindow window(int b) {
    var window = new ScoredWindow();
    window.setSeries(batch.series(b));
    window.setOriginTicks(batch.origin(b));
    if (predictions.targets() == 0) {
      int V = predictions.classes().size();
      window.setClassProbabilities(finite(b, slice(predictions.probabilities(), b, V)));
      window.setPredictedClass(
          predictions.classes().get(decision.predicted(predictions.probabilities(), b * V)));
    } else {
      int J = predictions.horizon() * predictions.targets();
      window.setPrediction(finite(b, points(b, J)));
      bounds.ifPresent(
          i -> {
            window.setLower(slice(i.lower(), b, J));
            window.setUpper(slice(i.upper(), b, J));
          });
    }
    return window;
  }

  /** The point predictions of window b, (H·K), index h·K + k. */
  private float[] points(int b, int J) {
    int Q = predictions.valuesPerTarget();
    if (Q == 1) {
      return slice(predictions.original(), b, J);
    }
    var points = new float[J];
    int at = b * J * Q + predictions.pointIndex();
    for (int j = 0; j < J; j++) {
      points[j] = predictions.original()[at + j * Q];
    }
    return points;
  }

  private static float[] slice(float[] values, int b, int length) {
    return Arrays.copyOfRange(values, b * length, (b + 1) * length);
  }

  private float[] finite(int b, float[] values) {
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new OperationFailedException(
            "The model predicts %s for series %s at origin %s, and a prediction must be finite. Nothing was published. Its weights may have diverged, or an input is far beyond what it was trained on: look at this window, and at the metrics of the bundle."
                .formatted(
                    value,
                    batch.series(b),
                    PredictionsSchema.describe(contract.time().type(), batch.origin(b))));
      }
    }
    return values;
  }
}
