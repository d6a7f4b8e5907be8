package io.sluice.benchmarks.recurrent;

import java.util.Arrays;
import java.util.Map;

/** Who takes part. */
enum Side {
  /** Our own network, as the trainers build it. */
  SLUICE("sluice") {
    @Override
    Contestant create(int threads) {
      return new SluiceContestant(threads);
    }
  },
  /**
   * The same on one thread, beside sides that have more: tells what threads bring in one run. Does
   * not take part where all have one.
   */
  SLUICE_ONE_THREAD("sluice-one-thread") {
    @Override
    Contestant create(int threads) {
      return new SluiceContestant(threads);
    }

    @Override
    int threads(int asked) {
      return 1;
    }

    @Override
    boolean takesPart(Precision precision, int threads) {
      return threads > 1;
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
      return new LibtorchContestant(threads, false);
    }
  },
  /**
   * The same, with glibc's allocator told to keep what is freed. Otherwise it hands large blocks
   * back to the system after each step, and the next one faults every page in anew.
   */
  LIBTORCH_KEEPING("libtorch-keeping") {
    @Override
    Contestant create(int threads) {
      return new LibtorchContestant(threads, false);
    }

    @Override
    Map<String, String> environment() {
      return Map.of(
          "MALLOC_ARENA_MAX", "1",
          "MALLOC_MMAP_THRESHOLD_", "1073741824",
          "MALLOC_TRIM_THRESHOLD_", "4294967296",
          "MALLOC_TOP_PAD_", "67108864");
    }
  },
  /** The first, training in bf16 as PyTorch's manual says: by autocast. */
  LIBTORCH_AUTOCAST("libtorch-autocast") {
    @Override
    Contestant create(int threads) {
      return new LibtorchContestant(threads, true);
    }

    @Override
    boolean takesPart(Precision precision, int threads) {
      return precision == Precision.BF16;
    }
  };

  private final String label;

  Side(String label) {
    this.label = label;
  }

  /** To be called in the process that is the contestant's. */
  abstract Contestant create(int threads);

  /** How many it uses where {@code asked} are there. */
  int threads(int asked) {
    return asked;
  }

  /** Whether it has something to say in a precision, where a side may use so many threads. */
  boolean takesPart(Precision precision, int threads) {
    return true;
  }

  /** Variables that its process is started with. */
  Map<String, String> environment() {
    return Map.of();
  }

  /** Whether its class path is libtorch's. */
  boolean isLibtorch() {
    return this == LIBTORCH || this == LIBTORCH_KEEPING || this == LIBTORCH_AUTOCAST;
  }

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
