package io.sluice.recurrent.kernel;

import java.util.Optional;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;

/** The process's oneDNN: whether it loads, what this processor can, and its one engine. */
final class OneDnn {
  private static final class Holder {
    static final engine ENGINE;
    static final String PROBLEM;

    static {
      engine found = null;
      String problem = null;
      try {
        found = new engine(engine.kind.cpu, 0);
      } catch (LinkageError | RuntimeException e) {
        Throwable cause = e;
        while (cause.getCause() != null) {
          cause = cause.getCause();
        }
        problem = cause.getMessage() == null ? cause.toString() : cause.getMessage();
      }
      ENGINE = found;
      PROBLEM = problem;
    }
  }

  /** oneDNN wants an address when a memory object is made, also where one is named only later. */
  private static final BytePointer NOWHERE = new BytePointer(64);

  private OneDnn() {}

  /** Why it does not load here; empty if it does. */
  static Optional<String> problem() {
    return Optional.ofNullable(Holder.PROBLEM);
  }

  /**
   * @throws IllegalStateException if it does not load here
   */
  static engine engine() {
    if (Holder.ENGINE == null) {
      throw new IllegalStateException("oneDNN does not load: " + Holder.PROBLEM);
    }
    return Holder.ENGINE;
  }

  /** A memory object whose data handle is to be set before it is used; for plain layouts. */
  static memory withoutData(memory.desc desc) {
    return new memory(desc, engine(), NOWHERE);
  }

  /** Whether the processor multiplies bfloat16 itself (AVX512-BF16 or better). */
  static boolean multipliesBf16() {
    int bf16 = dnnl.dnnl_cpu_isa_avx512_core_bf16;
    return problem().isEmpty() && (dnnl.dnnl_get_effective_cpu_isa() & bf16) == bf16;
  }
}
