package io.sluice.recurrent.model;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.sluice.recurrent.head.AdaptiveSoftmax;
import java.io.Serializable;
import java.util.List;

/**
 * What a network puts out and the loss it is trained on.
 *
 * <p>Network output {@code j·Q + q} is quantile q of target number j; a forecast of K channels over
 * H steps has {@code j = h·K + k}.
 *
 * @param kind kind of output
 * @param outputs J target numbers (H·K, or 1), or V classes
 * @param quantiles Q quantiles, ascending in (0, 1); empty unless {@code kind} is quantiles
 * @param classWeights weight of each class in the loss; empty is 1 each
 * @param adaptive how classes in the order of their counts are computed; null is a full softmax
 */
public record Head(
    Kind kind,
    int outputs,
    List<Double> quantiles,
    List<Double> classWeights,
    @JsonInclude(JsonInclude.Include.NON_NULL) AdaptiveSoftmax adaptive)
    implements Serializable {

  /** Kinds of output. */
  public enum Kind {
    /** A number per target, mean squared error. */
    @JsonProperty("regression")
    REGRESSION,
    /** Q quantiles per target, pinball loss. */
    @JsonProperty("quantiles")
    QUANTILES,
    /** A probability per class, cross-entropy over a softmax. */
    @JsonProperty("classes")
    CLASSES
  }

  public Head {
    quantiles = List.copyOf(quantiles);
    classWeights = List.copyOf(classWeights);
    if (outputs < 1) {
      throw new IllegalArgumentException("outputs is %d, must be at least 1".formatted(outputs));
    }
    if ((kind == Kind.QUANTILES) == quantiles.isEmpty()) {
      throw new IllegalArgumentException(
          "quantiles are %s with a head of kind %s; exactly a quantile head has them"
              .formatted(quantiles, kind));
    }
    if (!classWeights.isEmpty() && classWeights.size() != outputs) {
      throw new IllegalArgumentException(
          "classWeights has %d values, expected one a class (%d)"
              .formatted(classWeights.size(), outputs));
    }
    if (adaptive != null && kind != Kind.CLASSES) {
      throw new IllegalArgumentException(
          "adaptive is %s with a head of kind %s; only classes have it".formatted(adaptive, kind));
    }
  }

  /** J numbers, each predicted by its mean. */
  public static Head regression(int outputs) {
    return new Head(Kind.REGRESSION, outputs, List.of(), List.of(), null);
  }

  /** J numbers, each predicted by its quantiles. */
  public static Head quantiles(int outputs, List<Double> quantiles) {
    return new Head(Kind.QUANTILES, outputs, quantiles, List.of(), null);
  }

  /** V classes with weights, or none for equal ones. */
  public static Head classes(int classes, List<Double> classWeights) {
    return new Head(Kind.CLASSES, classes, List.of(), classWeights, null);
  }

  /** The same classes by an adaptive softmax; null is a full one. */
  public Head with(AdaptiveSoftmax adaptive) {
    return new Head(kind, outputs, quantiles, classWeights, adaptive);
  }

  /** Q, values per target number; 1 without quantiles. */
  @JsonIgnore
  public int valuesPerOutput() {
    return Math.max(1, quantiles.size());
  }

  /** J·Q, or V. */
  @JsonIgnore
  public int networkOutputs() {
    return Math.multiplyExact(outputs, valuesPerOutput());
  }
}
