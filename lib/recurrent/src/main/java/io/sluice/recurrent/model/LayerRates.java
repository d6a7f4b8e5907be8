package io.sluice.recurrent.model;

import io.sluice.recurrent.optim.LayerGroup;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * How fast each layer learns next to the highest, and from which step on, where a network begins
 * with the parameters of another: lower layers hold what is general, and are to change less and
 * later.
 *
 * <p><b>Source.</b> Howard and Ruder, "Universal Language Model Fine-tuning for Text
 * Classification", ACL 2018: discriminative learning rates (3.2, η of layer l − 1 = η of layer l /
 * 2.6) and gradual unfreezing (3.3).
 *
 * @param decay by what the rate of the group above is divided; 1 is the same rate for all
 * @param stepsBetween steps from the one in which a group begins to learn to that of the group
 *     below; 0 is all from the first step on
 */
public record LayerRates(double decay, int stepsBetween) implements Serializable {
  /** All layers learn alike. */
  public static final LayerRates ALIKE = new LayerRates(1, 0);

  public LayerRates {
    if (!(decay >= 1 && decay < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("decay is %s, must be at least 1".formatted(decay));
    }
    if (stepsBetween < 0) {
      throw new IllegalArgumentException(
          "stepsBetween is %d, must be at least 0".formatted(stepsBetween));
    }
  }

  /**
   * The groups of a network, lowest first: the embedding; each recurrent layer, with what
   * normalises its outputs; all above them.
   *
   * @return none where all learn alike
   */
  public List<LayerGroup> groups(ModelSpec spec) {
    if (equals(ALIKE)) {
      return List.of();
    }
    List<ModelSummary.LayerSummary> layers = ModelSummary.of(spec).layers();
    int highest = Networks.layersBelowRecurrent(spec) + spec.hiddenSizes().size();
    var groups = new ArrayList<LayerGroup>();
    long from = 0;
    int layer = 0;
    for (int group = 0; group <= highest; group++) {
      long to = from;
      for (; layer < layers.size() && groupOf(spec, layer) == group; layer++) {
        to += layers.get(layer).parameters();
      }
      int above = highest - group;
      groups.add(
          new LayerGroup(
              from,
              to,
              Math.pow(decay, -above),
              (int) Math.min(Integer.MAX_VALUE, (long) above * stepsBetween)));
      from = to;
    }
    return groups;
  }

  /** The names of the groups, lowest first. */
  public static List<String> names(ModelSpec spec) {
    var names = new ArrayList<String>();
    if (spec.hasEmbedding()) {
      names.add("embedding");
    }
    for (int l = 0; l < spec.hiddenSizes().size(); l++) {
      names.add("recurrent-" + l);
    }
    names.add("head");
    return names;
  }

  /**
   * @param layer of the summary, or of DL4J's, whose lower layers are the same
   */
  private static int groupOf(ModelSpec spec, int layer) {
    int below = Networks.layersBelowRecurrent(spec);
    int recurrent = Networks.layersOfRecurrent(spec) * spec.hiddenSizes().size();
    if (layer < below) {
      return 0;
    }
    return below + Math.min(layer - below, recurrent) / Networks.layersOfRecurrent(spec);
  }
}
