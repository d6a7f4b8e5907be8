package io.sluice.recurrent.pipeline;

/**
 * A pipeline that cannot be as it is wished. The message is one for whoever wished it, to be shown
 * behind the name of what they set: "must …, but is …".
 */
public final class PipelineRefusal extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** What of {@link PipelineWishes} has to change. */
  public enum Wish {
    /** The number of stages. */
    STAGES,
    /** Which stage holds which layers. */
    PLACEMENT,
    /** Time steps of a chunk. */
    CHUNK_STEPS,
    /** Micro-batches of a replica's share of a batch. */
    MICRO_BATCHES,
    /** What a rank has beside the Java heap. */
    MEMORY,
    /** What a rank's GPU has. */
    DEVICE_MEMORY
  }

  private final Wish wish;

  PipelineRefusal(Wish wish, String message) {
    super(message);
    this.wish = wish;
  }

  /** What the message is about. */
  public Wish wish() {
    return wish;
  }
}
