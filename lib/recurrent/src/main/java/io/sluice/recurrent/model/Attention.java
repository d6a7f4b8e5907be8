package io.sluice.recurrent.model;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.Serializable;

/**
 * Attention over the outputs of the recurrent layers.
 *
 * @param kind kind of attention
 * @param size A, hidden units of the score of additive attention; 0 in other kinds
 * @param heads of self-attention; 0 in other kinds
 */
public record Attention(Kind kind, int size, int heads) implements Serializable {

  /** Kinds of attention. */
  public enum Kind {
    /** None. */
    @JsonProperty("none")
    NONE,
    /** A learned weighted mean over time, in place of the last step. */
    @JsonProperty("additive")
    ADDITIVE,
    /** Each time step adds to itself a weighted mean over all; the steps stay. */
    @JsonProperty("self-attention")
    SELF_ATTENTION
  }

  /** No attention. */
  public static final Attention NONE = new Attention(Kind.NONE, 0, 0);

  public Attention {
    requireExactlyIf(kind == Kind.ADDITIVE, "size", size, kind);
    requireExactlyIf(kind == Kind.SELF_ATTENTION, "heads", heads, kind);
  }

  /** Additive attention with A hidden units. */
  public static Attention additive(int size) {
    return new Attention(Kind.ADDITIVE, size, 0);
  }

  /** Self-attention of some heads. */
  public static Attention self(int heads) {
    return new Attention(Kind.SELF_ATTENTION, 0, heads);
  }

  private static void requireExactlyIf(boolean has, String name, int value, Kind kind) {
    if (has ? value < 1 : value != 0) {
      throw new IllegalArgumentException(
          "%s is %d, must be %s with attention of kind %s"
              .formatted(name, value, has ? "at least 1" : "0", kind));
    }
  }
}
