package io.sluice.recurrent.kernel;

import static org.bytedeco.dnnl.global.dnnl.*;

import java.util.List;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.Pointer;

/** The tensors of one forward pass that the backward pass reads again. */
final class OneDnnTape implements AutoCloseable {
  final NativeBuffer workspace = new NativeBuffer();
  private final NativeBuffer states = new NativeBuffer();
  private final NativeBuffer roundedX = new NativeBuffer();
  private final NativeBuffer ownY = new NativeBuffer();

  /** What ran last; null before the first time. */
  OneDnnPlan plan;

  // h and c before and after, and x and y as the primitive sees them
  private Pointer x;
  private Pointer y;
  private Pointer initialH;
  private Pointer initialC;
  private Pointer lastH;
  private Pointer lastC;

  /** Takes the inputs of a forward pass; with bf16 they are rounded into memory of its own. */
  void write(OneDnnPlan plan, Pointer x, State initial, Pointer y, stream stream) {
    this.plan = plan;
    long n = plan.stateLength();
    Pointer own = states.atLeast(4 * n * Float.BYTES);
    initialH = own;
    lastH = OneDnnKernel.at(own, n);
    initialC = OneDnnKernel.at(own, 2 * n);
    lastC = OneDnnKernel.at(own, 3 * n);
    if (initial == null) {
      Pointer.memset(initialH, 0, n * Float.BYTES);
      Pointer.memset(initialC, 0, n * Float.BYTES);
    } else if (plan.hasCellState()) {
      Pointer.memcpy(initialC, initial.c(), n * Float.BYTES);
    }
    // backward reads y again; the caller's may have changed by then
    boolean keepsY = plan.rounds() || plan.backward != null;
    this.y = keepsY ? ownY.atLeast(plan.forward.bytes(DNNL_ARG_DST_LAYER)) : y;
    if (plan.rounds()) {
      this.x = roundedX.atLeast(plan.forward.bytes(DNNL_ARG_SRC_LAYER));
      plan.roundX.copy(x, this.x, stream);
      if (initial != null) {
        plan.roundH.copy(initial.h(), initialH, stream);
      }
    } else {
      this.x = x;
      if (initial != null) {
        Pointer.memcpy(initialH, initial.h(), n * Float.BYTES);
      }
    }
  }

  /** Names them to a forward or backward pass. */
  void setStates(OneDnnPlan.Pass pass) {
    pass.set(DNNL_ARG_SRC_LAYER, x);
    pass.set(DNNL_ARG_DST_LAYER, y);
    pass.set(DNNL_ARG_SRC_ITER, initialH);
    pass.set(DNNL_ARG_DST_ITER, lastH);
    if (plan.hasCellState()) {
      pass.set(DNNL_ARG_SRC_ITER_C, initialC);
      pass.set(DNNL_ARG_DST_ITER_C, lastC);
    }
  }

  /** Gives the outputs of a forward pass to the caller. */
  void read(Pointer y, State last, stream stream) {
    long n = plan.stateLength();
    if (plan.rounds()) {
      plan.widenY.copy(this.y, y, stream);
    } else if (this.y != y) {
      Pointer.memcpy(y, this.y, plan.forward.bytes(DNNL_ARG_DST_LAYER));
    }
    if (last != null) {
      if (plan.rounds()) {
        plan.widenH.copy(lastH, last.h(), stream);
      } else {
        Pointer.memcpy(last.h(), lastH, n * Float.BYTES);
      }
      if (plan.hasCellState()) {
        Pointer.memcpy(last.c(), lastC, n * Float.BYTES);
      }
    }
  }

  long bytes() {
    return buffers().stream().mapToLong(NativeBuffer::bytes).sum();
  }

  @Override
  public void close() {
    buffers().forEach(NativeBuffer::close);
    plan = null;
  }

  private List<NativeBuffer> buffers() {
    return List.of(workspace, states, roundedX, ownY);
  }
}
