package io.sluice.scoring.batch;

/** The points of a publication between which a crash can fall, in order. */
enum PublishStep {
  /** New partitions lie complete in staging. A crash leaves the old rows. */
  STAGED,
  /** The journal stands. From here on a crash leaves rows that are rolled forward. */
  COMMITTED,
  /** A partition's old rows are aside and its new ones not yet in. */
  OLD_ASIDE,
  /** A partition's new rows are in. */
  NEW_IN,
  /** All partitions hold the new rows, the journal still stands. */
  SWAPPED,
  /** The journal is gone; only leftovers remain. */
  CLOSED;

  /** Told of each step as it is reached; a test stops the process there. */
  @FunctionalInterface
  interface Observer {
    Observer NONE = (step, partition) -> {};

    /**
     * @param partition {@code date=…} for the steps of one partition, else empty
     */
    void reached(PublishStep step, String partition);
  }
}
