package io.sluice.recurrent.model;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.io.Serializable;

/**
 * What keeps a network from learning by heart, besides the dropout between its layers.
 *
 * @param inputDropout share dropped of what the lowest recurrent layer takes, an embedding's rows
 *     or the inputs; in [0, 1)
 * @param outputDropout share dropped of what the head takes; null is that between layers
 * @param weightDropout share of the recurrent weights dropped for a whole step; in [0, 1)
 * @param activation α, what the mean square of the highest recurrent layer's outputs weighs in the
 *     loss
 * @param temporal β, what the mean square of their differences from step to step weighs
 */
public record Regularizers(
    double inputDropout,
    Double outputDropout,
    double weightDropout,
    double activation,
    double temporal)
    implements Serializable {

  /** Nothing. */
  public static final Regularizers NONE = new Regularizers(0, null, 0, 0, 0);

  public Regularizers {
    requireShare("inputDropout", inputDropout);
    requireShare("outputDropout", outputDropout == null ? 0 : outputDropout);
    requireShare("weightDropout", weightDropout);
    requireFactor("activation", activation);
    requireFactor("temporal", temporal);
  }

  private static void requireShare(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException("%s is %s, must be in [0, 1)".formatted(name, value));
    }
  }

  private static void requireFactor(String name, double value) {
    if (!(value >= 0 && value < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "%s is %s, must be at least 0 and finite".formatted(name, value));
    }
  }

  /** Whether a layer that adds to the loss stands above the recurrent ones. */
  @JsonIgnore
  public boolean addsToLoss() {
    return activation > 0 || temporal > 0;
  }
}
