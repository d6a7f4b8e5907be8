package io.sluice.recurrent.kernel;

import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.Pointer;

/**
 * One weight matrix, or its gradient, in the order in which a primitive wants it, with the way
 * between that order and rows of gates.
 */
final class OneDnnWeights implements AutoCloseable {
  private final memory.desc packedDesc;
  private final NativeBuffer buffer = new NativeBuffer();
  private final memory packed;
  private final memory rows;
  private final reorder reorder;
  private final String name;
  private final boolean unpacks;
  private long version = -1;

  /**
   * @param packed what the primitive expects
   * @param name {@code W} or {@code RW}
   * @param unpacks false: rows to packed; true: packed to rows
   */
  OneDnnWeights(memory.desc packed, CellShape shape, String name, boolean unpacks) {
    int columns = shape.parameter(name).columns();
    long[] sizes = {1, 1, columns, shape.cell().gates(), shape.hiddenSize()};
    var rowsDesc = new memory.desc(sizes, memory.data_type.f32, memory.format_tag.ldgoi);
    this.packedDesc = new memory.desc(packed);
    this.packed = new memory(packed, OneDnn.engine(), buffer.zeros(packed.get_size()));
    this.rows = OneDnn.withoutData(rowsDesc);
    this.name = name;
    this.unpacks = unpacks;
    this.reorder =
        unpacks ? new reorder(this.packed, this.rows) : new reorder(this.rows, this.packed);
  }

  String name() {
    return name;
  }

  boolean isFor(memory.desc desc) {
    return packedDesc.equals(desc);
  }

  /** Where the packed elements lie. */
  Pointer pointer() {
    return buffer.atLeast(0);
  }

  /** Packs {@code from} unless its version is the one packed last. */
  void pack(Pointer from, long version, stream stream) {
    if (this.version != version) {
      rows.set_data_handle(from);
      reorder.execute(stream, rows, packed);
      this.version = version;
    }
  }

  /** Writes what is packed to {@code to}, as rows, and clears it. */
  void unpackAndClear(Pointer to, stream stream) {
    rows.set_data_handle(to);
    reorder.execute(stream, packed, rows);
    Pointer.memset(pointer(), 0, bytes());
  }

  long bytes() {
    return buffer.bytes();
  }

  boolean unpacks() {
    return unpacks;
  }

  @Override
  public void close() {
    reorder.deallocate();
    rows.deallocate();
    packed.deallocate();
    packedDesc.deallocate();
    buffer.close();
  }
}
