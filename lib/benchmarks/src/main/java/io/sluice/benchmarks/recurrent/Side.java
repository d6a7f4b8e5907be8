package io.sluice.benchmarks.recurrent;

import java.util.Arrays;

/** Who takes part. */
enum Side {
  /** Our own network, as the trainers build it. */
  SLUICE("sluice") {
    @Override
    Contestant create(int threads) {
      return new SluiceContestant(threads);
    }
  },
  /** The stock layers of DL4J. */
  DL4J("dl4j") {
    @Override
    Contestant create(int threads) {
      return new StockContestant(threads);
    }
  },
  /** PyTorch's C++ library, its own oneDNN active. */
  LIBTORCH("libtorch") {
    @Override
    Contestant create(int threads) {
      return new LibtorchContestant(threads);
    }
  };

  private final String label;

  Side(String label) {
    this.label = label;
  }

  /** To be called in the process that is the contestant's. */
  abstract Contestant create(int threads);

  static Side of(String label) {
    return Arrays.stream(values())
        .filter(side -> side.label.equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "%s is not a contestant; there are %s"
                        .formatted(label, Arrays.toString(values()))));
  }

  @Override
  public String toString() {
    return label;
  }
}
