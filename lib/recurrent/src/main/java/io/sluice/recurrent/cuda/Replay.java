package io.sluice.recurrent.cuda;

import java.util.Arrays;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/**
 * A pass that comes again and again with the same addresses and sizes, recorded as a graph: one
 * launch instead of one for each time step, layer and matrix, which cost more than what they launch
 * where layers are small.
 *
 * <p>The first time a pass runs as it is, so that libraries can make ready; the second time in a
 * row it is recorded, and from then on replayed until something about it changes.
 */
final class Replay implements AutoCloseable {
  private final CUstream_st stream;
  private long[] seen;
  private CUgraphExec_st graph;
  private boolean cannotRecord;

  Replay(CUstream_st stream) {
    this.stream = stream;
  }

  /**
   * Queues a pass.
   *
   * @param signature all that the pass depends on: addresses, sizes, numbers given by value
   */
  void run(long[] signature, Runnable pass) {
    boolean same = Arrays.equals(signature, seen);
    if (!same) {
      close();
      seen = signature;
    }
    if (same && graph == null && !cannotRecord) {
      graph = record(pass);
      cannotRecord = graph == null;
    }
    if (graph == null) {
      pass.run();
    } else {
      Cuda.check(cudart.cudaGraphLaunch(graph, stream), "cudaGraphLaunch");
    }
  }

  /** The pass as a graph; null if something in it cannot be recorded. */
  private CUgraphExec_st record(Runnable pass) {
    Cuda.check(
        cudart.cudaStreamBeginCapture(stream, cudart.cudaStreamCaptureModeThreadLocal),
        "cudaStreamBeginCapture");
    boolean recorded = true;
    try {
      pass.run();
    } catch (CudaException e) {
      recorded = false;
    }
    var steps = new CUgraph_st();
    int status = cudart.cudaStreamEndCapture(stream, steps);
    if (!recorded || status != 0 || steps.isNull()) {
      cudart.cudaGetLastError(); // or the next call would report it again
      return null;
    }
    var executable = new CUgraphExec_st();
    status = cudart.cudaGraphInstantiate(executable, steps, 0);
    Cuda.check(cudart.cudaGraphDestroy(steps), "cudaGraphDestroy");
    if (status != 0) {
      cudart.cudaGetLastError();
      return null;
    }
    return executable;
  }

  /** Whether the last pass was a replay. */
  boolean isReplaying() {
    return graph != null;
  }

  @Override
  public void close() {
    if (graph != null) {
      Cuda.check(cudart.cudaGraphExecDestroy(graph), "cudaGraphExecDestroy");
      graph = null;
    }
    cannotRecord = false;
    seen = null;
  }
}
