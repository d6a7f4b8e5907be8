package io.sluice.recurrent.kernel;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;

/**
 * Weights in bfloat16, in the orders in which the primitives of {@link Bf16Products} read them.
 *
 * <p>A primitive is for one number of rows, but those for others mostly want the same order: one
 * copy of a matrix serves them all.
 *
 * <p><b>Memory.</b> A copy for each matrix and order that products read between two changes of the
 * weights. After a change the new numbers take the room of the old ones; at the next one a copy
 * that has not taken any is freed.
 */
final class Bf16Weights implements AutoCloseable {
  private final stream stream;
  private final List<Packed> all = new ArrayList<>();
  private final Bf16Products.Place place = new Bf16Products.Place();
  private long version;

  /**
   * @param stream that products run on
   */
  Bf16Weights(stream stream) {
    this.stream = stream;
  }

  /** A matrix in one order. */
  final class Packed implements AutoCloseable {
    private final boolean transposed;
    private final memory.desc order;
    private final NativeBuffer room = new NativeBuffer();
    private final memory floats;
    private final memory packed;
    private final reorder rounding;
    private long from;
    private long packedVersion = -1;

    private Packed(boolean transposed, int K, int N, memory.desc order) {
      this.transposed = transposed;
      this.order = new memory.desc(order);
      this.floats = OneDnn.withoutData(Bf16Products.matrix(K, N, memory.data_type.f32, transposed));
      this.packed = new memory(order, OneDnn.engine(), room.zeros(order.get_size()));
      this.rounding = new reorder(floats, packed);
    }

    /** What a product reads. */
    memory memory() {
      return packed;
    }

    /** Whether it has the weights that lie there, as they are now. */
    boolean has(long address) {
      return packedVersion == version && from == address;
    }

    private boolean isFor(boolean transposed, memory.desc order) {
      return this.transposed == transposed && this.order.equals(order);
    }

    private void pack(long address) {
      floats.set_data_handle(place.at(address));
      rounding.execute(stream, floats, packed);
      from = address;
      packedVersion = version;
    }

    @Override
    public void close() {
      rounding.deallocate();
      floats.deallocate();
      packed.deallocate();
      order.deallocate();
      room.close();
    }
  }

  /**
   * The weights (K, N) at an address, packed now if they were not.
   *
   * @param transposed whether they lie as (N, K)
   * @param order as the primitive wants them
   */
  Packed of(long address, boolean transposed, int K, int N, memory.desc order) {
    Packed free = null;
    for (Packed each : all) {
      if (each.isFor(transposed, order)) {
        if (each.has(address)) {
          return each;
        }
        if (each.packedVersion != version) {
          free = each;
        }
      }
    }
    if (free == null) {
      free = new Packed(transposed, K, N, order);
      all.add(free);
    }
    free.pack(address);
    return free;
  }

  /** Says that weights are no longer what they were. */
  void changed() {
    for (int k = all.size() - 1; k >= 0; k--) {
      if (all.get(k).packedVersion != version) {
        all.remove(k).close();
      }
    }
    version++;
  }

  long bytes() {
    long bytes = 0;
    for (Packed each : all) {
      bytes += each.room.bytes();
    }
    return bytes;
  }

  @Override
  public void close() {
    all.forEach(Packed::close);
    all.clear();
  }
}
