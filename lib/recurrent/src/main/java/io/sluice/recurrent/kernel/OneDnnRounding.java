package io.sluice.recurrent.kernel;

import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.Pointer;

/** Copies n numbers from float32 to bfloat16 (rounding to nearest even) or back. */
final class OneDnnRounding implements AutoCloseable {
  private final memory from;
  private final memory to;
  private final reorder reorder;

  private OneDnnRounding(long n, memory.data_type fromType, memory.data_type toType) {
    this.from = OneDnn.withoutData(vector(n, fromType));
    this.to = OneDnn.withoutData(vector(n, toType));
    this.reorder = new reorder(from, to);
  }

  static OneDnnRounding toBf16(long n) {
    return new OneDnnRounding(n, memory.data_type.f32, memory.data_type.bf16);
  }

  static OneDnnRounding toF32(long n) {
    return new OneDnnRounding(n, memory.data_type.bf16, memory.data_type.f32);
  }

  void copy(Pointer source, Pointer target, stream stream) {
    from.set_data_handle(source);
    to.set_data_handle(target);
    reorder.execute(stream, from, to);
  }

  private static memory.desc vector(long n, memory.data_type type) {
    return new memory.desc(new long[] {n}, type, memory.format_tag.a);
  }

  @Override
  public void close() {
    reorder.deallocate();
    from.deallocate();
    to.deallocate();
  }
}
