package io.sluice.recurrent.pipeline;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which pipeline stage holds which block of a network. A block is a recurrent layer with what
 * normalises its outputs, lowest first, the lowest with the embedding of a network over words; all
 * that stands above the recurrent layers (attention, pooling, dense layers, the head) is one more,
 * the last.
 *
 * @param stages of each block: 0 for the lowest, then the same as the block's below or the next
 */
public record Placement(List<Integer> stages) implements Serializable {

  public Placement {
    stages = List.copyOf(stages);
    String problem = problem(stages, stages.size() - 1);
    if (problem != null) {
      throw new IllegalArgumentException(problem);
    }
  }

  /**
   * A placement that a person wrote.
   *
   * @param written a stage for each recurrent layer, and one for what is above them if it is not
   *     the last layer's
   * @throws IllegalArgumentException if it is none; the message is one for that person
   */
  public static Placement of(List<Integer> written, int recurrentLayers) {
    String problem = problem(written, recurrentLayers);
    if (problem != null) {
      throw new IllegalArgumentException(problem);
    }
    var stages = new ArrayList<>(written);
    if (stages.size() == recurrentLayers) {
      stages.add(stages.get(recurrentLayers - 1));
    }
    return new Placement(stages);
  }

  /**
   * A placement from where each stage begins.
   *
   * @param starts first block of each stage, rising from 0
   */
  static Placement ofStarts(List<Integer> starts, int blocks) {
    var stages = new ArrayList<Integer>();
    for (int stage = 0; stage < starts.size(); stage++) {
      int end = stage + 1 < starts.size() ? starts.get(stage + 1) : blocks;
      for (int block = starts.get(stage); block < end; block++) {
        stages.add(stage);
      }
    }
    return new Placement(stages);
  }

  /** Why it is no placement of so many recurrent layers; null if it is one. */
  private static String problem(List<Integer> stages, int recurrentLayers) {
    if (stages.size() != recurrentLayers && stages.size() != recurrentLayers + 1) {
      return "must have %d entries, a stage for each recurrent layer, or %d with one for what is above them, but has %d: %s"
          .formatted(recurrentLayers, recurrentLayers + 1, stages.size(), stages);
    }
    if (stages.get(0) != 0) {
      return "must begin with 0, because the lowest layer is on the first stage, but is %s"
          .formatted(stages);
    }
    for (int block = 1; block < stages.size(); block++) {
      int stage = stages.get(block);
      int below = stages.get(block - 1);
      if (stage != below && stage != below + 1) {
        return "must stay or rise by 1 from each layer to the next, but goes from %d to %d: %s"
            .formatted(below, stage, stages);
      }
    }
    return null;
  }

  /** P. */
  public int count() {
    return stages.get(stages.size() - 1) + 1;
  }

  /** Recurrent layers, and 1. */
  public int blocks() {
    return stages.size();
  }

  /** Recurrent layers of the network. */
  public int recurrentLayers() {
    return stages.size() - 1;
  }

  /** The lowest block of a stage. */
  public int first(int stage) {
    return stages.indexOf(stage);
  }

  /** The block after a stage's last. */
  public int end(int stage) {
    return stages.lastIndexOf(stage) + 1;
  }

  /** What a stage holds, as a person reads it: "recurrent 0 to 2", "recurrent 3 and head". */
  public String layersOf(int stage) {
    int first = first(stage);
    int last = end(stage) - 1;
    boolean hasHead = last == blocks() - 1;
    int top = hasHead ? last - 1 : last;
    String recurrent =
        top < first
            ? ""
            : top == first
                ? "recurrent layer %d".formatted(first)
                : "recurrent layers %d to %d".formatted(first, top);
    return !hasHead ? recurrent : recurrent.isEmpty() ? "head" : recurrent + " and head";
  }

  /** Stages by recurrent layer, then of the head, as the setting is written: [0, 0, 1, 1, 1]. */
  @Override
  public String toString() {
    return IntStream.range(0, blocks()).mapToObj(stages::get).toList().toString();
  }
}
