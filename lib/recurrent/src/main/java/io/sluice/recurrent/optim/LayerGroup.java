package io.sluice.recurrent.optim;

import java.io.Serializable;
import java.util.List;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * Neighbouring layers that learn at a rate of their own, from a step of their own on. Before it
 * they are frozen: their gradient counts as zero, in the norm that is clipped to too, and neither
 * weights nor the optimizer's moments move.
 *
 * @param from first of their numbers in the network's flat parameters
 * @param to after the last
 * @param factor of the learning rate, and with it of weight decay; above 0
 * @param firstStep in which they learn, from 0
 */
public record LayerGroup(
    @JsonProperty("from") long from,
    @JsonProperty("to") long to,
    @JsonProperty("factor") double factor,
    @JsonProperty("firstStep") int firstStep)
    implements Serializable {

  @JsonCreator
  public LayerGroup {
    if (from < 0 || to < from) {
      throw new IllegalArgumentException(
          "from is %d and to %d, must be 0 <= from <= to".formatted(from, to));
    }
    if (!(factor > 0 && factor <= 1)) {
      throw new IllegalArgumentException("factor is %s, must be in (0, 1]".formatted(factor));
    }
    if (firstStep < 0) {
      throw new IllegalArgumentException(
          "firstStep is %d, must be at least 0".formatted(firstStep));
    }
  }

  /** Whether they learn in a step. */
  public boolean learnsAt(int step) {
    return step >= firstStep;
  }

  /** The same in a part of the network that begins with number {@code start}; empty outside. */
  public LayerGroup within(long start, long end) {
    long first = Math.min(Math.max(from, start), end);
    long last = Math.max(first, Math.min(to, end));
    return new LayerGroup(first - start, last - start, factor, firstStep);
  }

  /**
   * Numbers at the beginning of a network's parameters that do not move in a step.
   *
   * @param groups of the whole network, lowest first; none is all learn
   */
  public static long frozen(List<LayerGroup> groups, int step) {
    long frozen = 0;
    for (LayerGroup group : groups) {
      if (group.learnsAt(step)) {
        break;
      }
      frozen = group.to;
    }
    return frozen;
  }
}
