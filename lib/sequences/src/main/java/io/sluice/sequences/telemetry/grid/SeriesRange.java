package io.sluice.sequences.telemetry.grid;

import io.sluice.sequences.dataset.Split;
import java.io.Serializable;
import java.util.Arrays;

/**
 * Where a series' record begins and ends, and which of its origins belong to which split.
 *
 * @param series name
 * @param firstStep first step with a row
 * @param lastStep last step with a row
 * @param firstOrigin per split, by ordinal: first origin that is the split's; above {@code
 *     lastOrigin} where it has none
 * @param lastOrigin per split: the last one
 */
public record SeriesRange(
    String series, long firstStep, long lastStep, long[] firstOrigin, long[] lastOrigin)
    implements Serializable {

  /** Splits, by ordinal. */
  static final Split[] SPLITS = Split.values();

  /** The split an origin belongs to; null if to none. */
  Split splitOf(long origin) {
    for (Split split : SPLITS) {
      int s = split.ordinal();
      if (origin >= firstOrigin[s] && origin <= lastOrigin[s]) {
        return split;
      }
    }
    return null;
  }

  @Override
  public String toString() {
    return "%s [%d, %d] origins %s to %s"
        .formatted(
            series, firstStep, lastStep, Arrays.toString(firstOrigin), Arrays.toString(lastOrigin));
  }
}
