package io.sluice.sequences.dataset;

import java.util.ArrayList;
import java.util.List;

/**
 * Names of the Parquet columns of a segment part, one row a time step; {@code
 * data-schemas/sequences.v1.json} says what each means. Channels have their own names.
 */
public final class SegmentColumns {
  /** STRING. */
  public static final String SERIES = "series";

  /** BIGINT: number of the segment's block on the grid. */
  public static final String SEGMENT = "segment";

  /** TIMESTAMP, or BIGINT for ordinal time. */
  public static final String TIME = "time";

  /** BOOLEAN: a window of this segment has its last look-back step here. */
  public static final String ORIGIN = "origin";

  /** FLOAT: class index, event 0 or 1, remaining life in steps; not there for a forecast. */
  public static final String LABEL = "label";

  private static final String AGE_PREFIX = "age__";

  private SegmentColumns() {}

  /** SMALLINT: steps since the channel's last observation, 0 = observed in this step. */
  public static String age(String channel) {
    return AGE_PREFIX + channel;
  }

  /** Whether a channel's name would hide one of the columns above. */
  public static boolean isReserved(String channel) {
    return List.of(SERIES, SEGMENT, TIME, ORIGIN, LABEL).contains(channel)
        || channel.startsWith(AGE_PREFIX);
  }

  /** Every column that parts of a contract have, in stored order. */
  public static List<String> of(WindowContract contract) {
    var columns = new ArrayList<String>(List.of(SERIES, SEGMENT, TIME));
    columns.addAll(contract.channels());
    columns.add(ORIGIN);
    if (contract.storesAges()) {
      contract.inputs().forEach(channel -> columns.add(age(channel)));
    }
    if (contract.storesLabel()) {
      columns.add(LABEL);
    }
    return columns;
  }
}
