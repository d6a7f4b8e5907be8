package io.sluice.training.allreduce;

/**
 * A rank died, went silent, failed or left, so the others cannot go on. Nothing is wrong with this
 * rank: trying again from the last checkpoint is the remedy.
 */
public class PeerLostException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final String peer;

  /**
   * @param peer whose failure it is, such as "rank 3 of 8"
   * @param message the whole story, on all ranks the same
   */
  public PeerLostException(String peer, String message) {
    super(message);
    this.peer = peer;
  }

  /** The same for another thread: its stack trace, with the first as its cause. */
  PeerLostException(PeerLostException first) {
    super(first.getMessage(), first);
    this.peer = first.peer;
  }

  /** Whose failure it is, such as "rank 3 of 8"; may be this rank. */
  public String peer() {
    return peer;
  }
}
