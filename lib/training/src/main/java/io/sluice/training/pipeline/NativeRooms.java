package io.sluice.training.pipeline;

import io.sluice.recurrent.kernel.NativeBuffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Off-heap memory of bodies on their way, used again and again: as many rooms as are under way at a
 * time, each as large as what it has held. Safe for use by any thread.
 */
final class NativeRooms implements AutoCloseable {
  private final List<NativeBuffer> all = new ArrayList<>();
  private final List<NativeBuffer> free = new ArrayList<>();
  private boolean closed;

  /** Memory for one body. */
  final class Room {
    private final NativeBuffer buffer;
    private final Pointer memory;
    private final int bytes;

    private Room(NativeBuffer buffer, int bytes) {
      this.buffer = buffer;
      this.memory = buffer.atLeast(Math.max(1, bytes));
      this.bytes = bytes;
    }

    Pointer memory() {
      return memory;
    }

    int bytes() {
      return bytes;
    }

    /** All of it, in little-endian order. */
    ByteBuffer asBytes() {
      return new BytePointer(memory).capacity(bytes).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** It is not used any more. */
    void release() {
      synchronized (NativeRooms.this) {
        free.add(buffer);
      }
    }
  }

  synchronized Room take(int bytes) {
    if (closed) {
      throw new IllegalStateException("The links of this stage are closed");
    }
    NativeBuffer buffer;
    if (free.isEmpty()) {
      buffer = new NativeBuffer();
      all.add(buffer);
    } else {
      buffer = fitting(bytes);
      free.remove(buffer);
    }
    return new Room(buffer, bytes);
  }

  /** The smallest that is large enough, or the largest. */
  private NativeBuffer fitting(int bytes) {
    NativeBuffer best = free.get(0);
    for (NativeBuffer each : free) {
      boolean fits = each.bytes() >= bytes;
      boolean bestFits = best.bytes() >= bytes;
      if (fits && (!bestFits || each.bytes() < best.bytes())
          || !fits && !bestFits && each.bytes() > best.bytes()) {
        best = each;
      }
    }
    return best;
  }

  /** What all rooms hold. */
  synchronized long bytes() {
    return all.stream().mapToLong(NativeBuffer::bytes).sum();
  }

  /** Frees all of them, also what arrived and was not asked for. Nothing travels any more. */
  @Override
  public synchronized void close() {
    closed = true;
    all.forEach(NativeBuffer::close);
  }
}
