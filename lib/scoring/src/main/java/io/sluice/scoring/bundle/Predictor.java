package io.sluice.scoring.bundle;

import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.layer.KernelMemory;
import io.sluice.recurrent.layer.StackedPass;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import io.sluice.sequences.dataset.WindowEncoder;
import java.util.Arrays;
import java.util.Optional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Predicts batch by batch, one forward pass each. Serves one thread. */
public final class Predictor implements AutoCloseable {
  private static final double EPSILON = 1e-9;

  private final MultiLayerNetwork network;
  private final ModelSpec spec;
  private final WindowContract contract;
  private final ResidualQuantiles residuals;
  private final BatchArrays arrays;
  private final WindowEncoder encoder;
  private Device device = Device.current();

  /**
   * Computes on the device of the thread that makes it, unless told otherwise.
   *
   * @param network used by this predictor alone
   * @param residuals errors on the validation windows; null if there are none
   */
  public Predictor(
      MultiLayerNetwork network,
      ModelSpec spec,
      WindowContract contract,
      ResidualQuantiles residuals) {
    this.network = network;
    this.spec = spec;
    this.contract = contract;
    this.residuals = residuals;
    this.arrays = new BatchArrays(contract, spec);
    this.encoder = new WindowEncoder(contract);
  }

  /** Computes on a device; before the first batch. */
  public Predictor on(Device other) {
    device = other;
    return this;
  }

  /** Predicts the windows of a batch; its targets play no part. */
  public Predictions predict(WindowBatch batch) {
    int B = batch.size();
    float[] output = forward(batch);
    Head head = spec.head();
    if (head.kind() == Head.Kind.CLASSES) {
      return new Predictions(
          B,
          0,
          0,
          head.quantiles(),
          contract.target().classes(),
          new float[0],
          new float[0],
          output);
    }
    int Q = head.valuesPerOutput();
    sortQuantiles(output, Q);
    float[] original = output.clone();
    encoder.toOriginalUnits(batch, original, Q);
    return new Predictions(
        B,
        horizon(),
        targets(),
        head.quantiles(),
        contract.target().classes(),
        original,
        output,
        new float[0]);
  }

  /**
   * The central interval that should hold {@code share} of the actual values: from the model's own
   * quantiles, else from its errors on the validation windows.
   *
   * @param share in (0, 1), 0.8 is from the 10 % to the 90 % quantile
   * @return empty for classes, without validation errors, or where the quantiles do not reach out
   *     so far
   */
  public Optional<PredictionInterval> interval(Predictions predictions, double share) {
    if (!(share > 0 && share < 1)) {
      throw new IllegalArgumentException("share is %s, must be in (0, 1)".formatted(share));
    }
    double low = (1 - share) / 2;
    double high = 1 - low;
    if (predictions.quantiles().isEmpty()) {
      boolean answers =
          residuals != null
              && spec.head().kind() == Head.Kind.REGRESSION
              && residuals.covers(low)
              && residuals.covers(high);
      return answers
          ? Optional.of(
              new PredictionInterval(share, shifted(predictions, low), shifted(predictions, high)))
          : Optional.empty();
    }
    int last = predictions.quantiles().size() - 1;
    boolean within =
        predictions.quantiles().get(0) <= low + EPSILON
            && predictions.quantiles().get(last) >= high - EPSILON;
    return within
        ? Optional.of(
            new PredictionInterval(
                share, ownQuantile(predictions, low), ownQuantile(predictions, high)))
        : Optional.empty();
  }

  /** Prediction + residual quantile. */
  private float[] shifted(Predictions predictions, double level) {
    int J = predictions.horizon() * predictions.targets();
    var shift = new float[J];
    for (int j = 0; j < J; j++) {
      shift[j] = residuals.at(j / predictions.targets(), j % predictions.targets(), level);
    }
    var bound = new float[predictions.size() * J];
    for (int i = 0; i < bound.length; i++) {
      bound[i] = predictions.original()[i] + shift[i % J];
    }
    return bound;
  }

  /** The model's quantile at a level, linear between those it has. */
  private static float[] ownQuantile(Predictions predictions, double level) {
    int Q = predictions.valuesPerTarget();
    int upper = 0;
    while (upper < Q - 1 && predictions.quantiles().get(upper) < level - EPSILON) {
      upper++;
    }
    int lower = Math.max(0, upper - 1);
    double below = predictions.quantiles().get(lower);
    double above = predictions.quantiles().get(upper);
    double share = above == below ? 1 : Math.min(1, (level - below) / (above - below));
    var bound = new float[predictions.original().length / Q];
    for (int i = 0; i < bound.length; i++) {
      bound[i] =
          (float)
              ((1 - share) * predictions.original()[i * Q + lower]
                  + share * predictions.original()[i * Q + upper]);
    }
    return bound;
  }

  /** One forward pass; (B, outputs) row-major. */
  private float[] forward(WindowBatch batch) {
    INDArray output;
    try (Device.Bound bound = device.bind();
        StackedPass stacked = StackedPass.begin(network)) {
      output = network.output(arrays.features(batch), false);
    }
    if (spec.output() == ModelSpec.Output.SEQUENCE) {
      output =
          output.get(
              NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(spec.lookBack() - 1L));
    }
    return output.dup('c').data().asFloat();
  }

  private static void sortQuantiles(float[] output, int Q) {
    if (Q > 1) {
      for (int i = 0; i < output.length; i += Q) {
        Arrays.sort(output, i, i + Q);
      }
    }
  }

  private int horizon() {
    return contract.target().type() == TargetType.FORECAST ? contract.horizon() : 1;
  }

  private int targets() {
    return contract.target().type() == TargetType.FORECAST
        ? contract.target().channels().size()
        : 1;
  }

  /** Frees native memory; a further batch takes it again. */
  @Override
  public void close() {
    KernelMemory.free(network);
  }
}
