package io.sluice.recurrent.kernel;

import com.fasterxml.jackson.annotation.JsonAlias;
import com.fasterxml.jackson.annotation.JsonProperty;

/** Recurrent cells. The equations stand in {@link ReferenceKernel}. */
public enum Cell {
  /** Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; no peepholes. */
  @JsonProperty("lstm")
  LSTM("LSTM", 4, true),

  /** With peepholes (Gers and Schmidhuber 2000): i and f see c[t−1], o sees c[t]. */
  @JsonProperty("peephole-lstm")
  @JsonAlias("graves-lstm") // its name in bundles of before these kernels
  PEEPHOLE_LSTM("peephole LSTM", 4, true),

  /** With layer normalisation of both products and of the cell state (Ba et al. 2016). */
  @JsonProperty("layernorm-lstm")
  LAYERNORM_LSTM("layer-norm LSTM", 4, true),

  /** Cho et al. 2014, the reset gate applied after the recurrent product. */
  @JsonProperty("gru")
  GRU("GRU", 3, false),

  /** Elman 1990, with tanh. */
  @JsonProperty("rnn")
  @JsonAlias("simple-rnn")
  RNN("tanh RNN", 1, false);

  private final String label;
  private final int gates;
  private final boolean hasCellState;

  Cell(String label, int gates, boolean hasCellState) {
    this.label = label;
    this.gates = gates;
    this.hasCellState = hasCellState;
  }

  /** As a person reads it. */
  public String label() {
    return label;
  }

  /** G, row blocks of the weights: i f g o; r z n; or one. */
  public int gates() {
    return gates;
  }

  /** Whether there is a c beside h. */
  public boolean hasCellState() {
    return hasCellState;
  }
}
