package io.sluice.benchmarks.recurrent;

import java.util.Arrays;
import java.util.List;

/** What is stacked; {@code BIDIRECTIONAL_LSTM} reads each sequence in both directions. */
enum Cell {
  LSTM("lstm", 4),
  BIDIRECTIONAL_LSTM("bidirectional-lstm", 4),
  PEEPHOLE_LSTM("peephole-lstm", 4),
  LAYERNORM_LSTM("layernorm-lstm", 4),
  GRU("gru", 3),
  RNN("rnn", 1);

  private final String label;
  private final int gates;

  Cell(String label, int gates) {
    this.label = label;
    this.gates = gates;
  }

  /** G, row blocks of the weights. */
  int gates() {
    return gates;
  }

  boolean isBidirectional() {
    return this == BIDIRECTIONAL_LSTM;
  }

  /** Suffixes of parameter names, one a direction, as in PyTorch. */
  List<String> directions() {
    return isBidirectional() ? List.of("", "_reverse") : List.of("");
  }

  static Cell of(String label) {
    return Arrays.stream(values())
        .filter(cell -> cell.label.equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "%s is not a cell; there are %s".formatted(label, Arrays.toString(values()))));
  }

  @Override
  public String toString() {
    return label;
  }
}
