package io.sluice.recurrent.optim;

import java.io.Serializable;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * Rows that a network's parameters begin with, few of which have a gradient in a step: those of an
 * embedding.
 *
 * @param count V
 * @param size E, numbers of a row
 */
public record RowBlock(@JsonProperty("count") int count, @JsonProperty("size") int size)
    implements Serializable {
  @JsonCreator
  public RowBlock {
    if (count < 1 || size < 1) {
      throw new IllegalArgumentException(
          "count is %d and size %d, each must be at least 1".formatted(count, size));
    }
  }

  /** V·E. */
  public long numbers() {
    return (long) count * size;
  }
}
