package io.sluice.scoring.batch;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.WindowContract;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * How much of what the model looks at is there: steps with a value, by input channel, over the
 * segments that were scored. With masks a window may miss inputs, and a tag that is not in the
 * input at all would go unnoticed; this notices it.
 */
final class ObservedInputs implements Serializable {
  private static final long serialVersionUID = 1L;

  private final int partition;
  private final long[] observed;
  private long steps;

  /**
   * @param partition the Spark partition that was looked at
   */
  ObservedInputs(int partition, int inputs) {
    this.partition = partition;
    this.observed = new long[inputs];
  }

  /** All partitions together; one that was looked at twice counts once. */
  static ObservedInputs sum(List<ObservedInputs> parts, WindowContract contract) {
    var byPartition = new TreeMap<Integer, ObservedInputs>();
    parts.forEach(part -> byPartition.put(part.partition, part));
    var sum = new ObservedInputs(-1, contract.inputs().size());
    byPartition.values().forEach(sum::add);
    return sum;
  }

  /**
   * @param inputs index of each input among the stored channels
   */
  void add(Segment segment, int[] inputs) {
    steps += segment.steps();
    for (int i = 0; i < inputs.length; i++) {
      long count = 0;
      for (float value : segment.values()[inputs[i]]) {
        count += Float.isNaN(value) ? 0 : 1;
      }
      observed[i] += count;
    }
  }

  private void add(ObservedInputs other) {
    steps += other.steps;
    for (int i = 0; i < observed.length; i++) {
      observed[i] += other.observed[i];
    }
  }

  /** Share of steps and inputs that have a value; 1 where there is no step. */
  double share() {
    long count = 0;
    for (long each : observed) {
      count += each;
    }
    return steps == 0 ? 1 : count / ((double) steps * observed.length);
  }

  /** Refuses input in which a channel has no value at all. */
  void requireEveryChannel(String input, WindowContract contract) {
    var absent = new ArrayList<String>();
    for (int i = 0; i < observed.length; i++) {
      if (steps > 0 && observed[i] == 0) {
        absent.add(contract.inputs().get(i));
      }
    }
    if (!absent.isEmpty()) {
      throw new InvalidInputException(
          "score.input %s has no reading of %s, which the model takes as input. Give data with these channels, or train a model without them."
              .formatted(input, absent));
    }
  }

  /** Index of each input among the stored channels. */
  static int[] indices(WindowContract contract) {
    List<String> channels = contract.channels();
    return contract.inputs().stream().mapToInt(channels::indexOf).toArray();
  }
}
