package io.sluice.training.allreduce;

import java.time.Duration;

/**
 * How arrays are summed. All ranks must have the same.
 *
 * @param wire how numbers travel in the ring; short arrays always travel as they are
 * @param ringBytes arrays longer than so many bytes for each rank go around the ring, and all that
 *     are longer than 1 MiB
 * @param pieceBytes memory of the numbers that are added and passed on at a time in the ring
 * @param deadline of {@link AllReduce#sum(double[])}
 */
public record AllReduceSettings(WireFormat wire, int ringBytes, int pieceBytes, Duration deadline) {
  /** Longest array that may be kept from the ring: peers that are ahead are staged in memory. */
  private static final int MAX_RING_BYTES = 1 << 20;

  /**
   * Two ranks were equally fast both ways at 32 KiB, four at 64 KiB; a ring of more ranks has more
   * hops, in proportion (results/all-reduce-sizes.json: loopback, two cores; for more than four
   * ranks it is the cost model's word).
   */
  private static final int RING_BYTES = 16 << 10;

  public static final AllReduceSettings DEFAULT =
      new AllReduceSettings(WireFormat.F32, RING_BYTES, 128 << 10, Duration.ofSeconds(60));

  public AllReduceSettings {
    if (ringBytes < 0 || ringBytes > MAX_RING_BYTES) {
      throw new IllegalArgumentException(
          "ringBytes is %d, expected 0 to %d".formatted(ringBytes, MAX_RING_BYTES));
    }
    if (pieceBytes < Float.BYTES || pieceBytes % Float.BYTES != 0) {
      throw new IllegalArgumentException(
          "pieceBytes is %d, expected a multiple of 4".formatted(pieceBytes));
    }
  }

  /** Whether an array goes around a ring of so many ranks. */
  boolean goesAround(int bytes, int ranks) {
    return bytes > Math.min((long) ringBytes * ranks, MAX_RING_BYTES);
  }

  public AllReduceSettings withWire(WireFormat wire) {
    return new AllReduceSettings(wire, ringBytes, pieceBytes, deadline);
  }

  public AllReduceSettings withRingBytes(int ringBytes) {
    return new AllReduceSettings(wire, ringBytes, pieceBytes, deadline);
  }

  public AllReduceSettings withPieceBytes(int pieceBytes) {
    return new AllReduceSettings(wire, ringBytes, pieceBytes, deadline);
  }

  public AllReduceSettings withDeadline(Duration deadline) {
    return new AllReduceSettings(wire, ringBytes, pieceBytes, deadline);
  }
}
