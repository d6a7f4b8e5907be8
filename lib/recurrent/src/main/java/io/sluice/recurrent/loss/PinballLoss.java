package io.sluice.recurrent.loss;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * The quantile (pinball) loss over several quantiles of several targets at once.
 *
 * <pre>{@code
 * e[b, j, q] = target[b, j] − output[b, j·Q + q]
 * loss       = scale / (B·J·Q) · Σ e · (τ_q − 1[e < 0])
 * }</pre>
 *
 * <p><b>Shapes.</b> B examples, J targets, Q quantiles.
 *
 * <pre>
 * labels     (B, J)      in: targets, not repeated per quantile
 * preOutput  (B, J·Q)    in: network outputs, quantiles of a target side by side
 * mask       (B, 1) or (B, J)  in: 0 leaves an example or one target out; may be null
 * gradient   (B, J·Q)    out: sum form, not divided by B, as DL4J's updater divides
 * </pre>
 *
 * <p><b>Units.</b> The targets' (scaled) unit. At e = 0 the gradient is the left-hand one, −τ.
 *
 * <p><b>Source.</b> Koenker and Bassett, "Regression Quantiles", Econometrica 46(1), 1978.
 *
 * <p>Checked by {@code PinballLossTest} (finite differences, values by hand).
 */
public final class PinballLoss implements ILossFunction {
  private static final long serialVersionUID = 1L;

  private final double[] quantiles;
  private final double scale;

  /**
   * @param quantiles τ, each in (0, 1), ascending
   * @param scale factor of the loss; 1 unless a sum over time steps is to become a mean
   */
  @JsonCreator
  public PinballLoss(
      @JsonProperty("quantiles") List<Double> quantiles, @JsonProperty("scale") double scale) {
    this.quantiles = quantiles.stream().mapToDouble(Double::doubleValue).toArray();
    this.scale = scale;
    for (int q = 0; q < this.quantiles.length; q++) {
      double previous = q == 0 ? 0 : this.quantiles[q - 1];
      if (!(this.quantiles[q] > previous && this.quantiles[q] < 1)) {
        throw new IllegalArgumentException(
            "quantiles must ascend within (0, 1), but are %s".formatted(quantiles));
      }
    }
    if (this.quantiles.length == 0) {
      throw new IllegalArgumentException("quantiles must not be empty");
    }
  }

  /** τ, ascending. */
  @JsonProperty("quantiles")
  public List<Double> quantiles() {
    return Arrays.stream(quantiles).boxed().toList();
  }

  /** Factor of the loss. */
  @JsonProperty("scale")
  public double scale() {
    return scale;
  }

  @Override
  public double computeScore(
      INDArray labels, INDArray preOutput, IActivation activation, INDArray mask, boolean average) {
    double sum = losses(labels, preOutput, activation, mask).sumNumber().doubleValue();
    return average ? sum / preOutput.size(0) : sum;
  }

  @Override
  public INDArray computeScoreArray(
      INDArray labels, INDArray preOutput, IActivation activation, INDArray mask) {
    INDArray perTarget = losses(labels, preOutput, activation, mask);
    return perTarget.reshape('c', preOutput.size(0), preOutput.size(1)).sum(true, 1);
  }

  @Override
  public INDArray computeGradient(
      INDArray labels, INDArray preOutput, IActivation activation, INDArray mask) {
    INDArray error = errors(labels, preOutput, activation);
    INDArray slope = slopes(error).muli(-weight(error));
    applyMask(slope, mask);
    return activation
        .backprop(preOutput, slope.reshape('c', preOutput.size(0), preOutput.size(1)))
        .getFirst();
  }

  @Override
  public Pair<Double, INDArray> computeGradientAndScore(
      INDArray labels, INDArray preOutput, IActivation activation, INDArray mask, boolean average) {
    return Pair.of(
        computeScore(labels, preOutput, activation, mask, average),
        computeGradient(labels, preOutput, activation, mask));
  }

  @Override
  public String name() {
    return toString();
  }

  /** (B, J, Q), scaled so that the sum over an example is its mean loss. */
  private INDArray losses(
      INDArray labels, INDArray preOutput, IActivation activation, INDArray mask) {
    INDArray error = errors(labels, preOutput, activation);
    INDArray losses = slopes(error).muli(error).muli(weight(error));
    applyMask(losses, mask);
    return losses;
  }

  /** e (B, J, Q). */
  private INDArray errors(INDArray labels, INDArray preOutput, IActivation activation) {
    long B = preOutput.size(0);
    long Q = quantiles.length;
    long J = preOutput.size(1) / Q;
    if (labels.size(0) != B || labels.size(1) != J || J * Q != preOutput.size(1)) {
      throw new IllegalArgumentException(
          "labels have shape %s, expected (B, J) = (%d, %d) for outputs of shape %s and %d quantiles"
              .formatted(
                  Arrays.toString(labels.shape()), B, J, Arrays.toString(preOutput.shape()), Q));
    }
    INDArray output = activation.getActivation(preOutput.dup('c'), true).reshape('c', B, J, Q);
    INDArray target = labels.castTo(preOutput.dataType()).dup('c').reshape('c', B, J, 1);
    return target.sub(output);
  }

  /** τ_q − 1[e < 0], shape (B, J, Q). */
  private INDArray slopes(INDArray error) {
    DataType type = error.dataType();
    INDArray tau =
        Nd4j.createFromArray(quantiles).castTo(type).reshape('c', 1, 1, quantiles.length);
    return tau.sub(error.lt(0).castTo(type));
  }

  private double weight(INDArray error) {
    return scale / (error.size(1) * error.size(2));
  }

  private static void applyMask(INDArray values, INDArray mask) {
    if (mask == null) {
      return;
    }
    long columns = mask.length() / values.size(0);
    if (columns != 1 && columns != values.size(1)) {
      throw new IllegalArgumentException(
          "mask has shape %s, expected (B, 1) = (%d, 1) or (B, J) = (%d, %d)"
              .formatted(
                  Arrays.toString(mask.shape()), values.size(0), values.size(0), values.size(1)));
    }
    values.muli(mask.castTo(values.dataType()).dup('c').reshape('c', values.size(0), columns, 1));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PinballLoss o
        && Arrays.equals(o.quantiles, quantiles)
        && o.scale == scale;
  }

  @Override
  public int hashCode() {
    return Objects.hash(Arrays.hashCode(quantiles), scale);
  }

  @Override
  public String toString() {
    return "PinballLoss(%s)".formatted(Arrays.toString(quantiles));
  }
}
