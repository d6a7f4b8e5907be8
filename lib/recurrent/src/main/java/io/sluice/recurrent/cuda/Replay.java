package io.sluice.recurrent.cuda;

import java.util.Arrays;
import org.bytedeco.cuda.cudart.CUevent_st;
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
 * row it is recorded. Large products can be slower in a graph, which runs more of them side by
 * side, so the next few passes are timed both ways, and from then on the faster one is taken until
 * something about the pass changes. Both compute the same bits.
 */
final class Replay implements AutoCloseable {
  /** Passes timed, by turns queued and replayed. */
  private static final int TRIALS = 6;

  /** A queued pass keeps a core busy: it must be faster by this to be taken. */
  private static final float WORTHWHILE = 0.97f;

  private final CUstream_st stream;
  private final CUevent_st begin = new CUevent_st();
  private final CUevent_st end = new CUevent_st();
  private long[] seen;
  private CUgraphExec_st graph;
  private boolean isSettled;
  private int trials;
  private boolean isTiming;
  private boolean timesGraph;
  private float queuedMilliseconds;
  private float replayedMilliseconds;

  Replay(CUstream_st stream) {
    this.stream = stream;
  }

  /**
   * Queues a pass.
   *
   * @param signature all that the pass depends on: addresses, sizes, numbers given by value
   */
  void run(long[] signature, Runnable pass) {
    if (!Arrays.equals(signature, seen)) {
      forget();
      seen = signature;
      pass.run();
    } else if (isSettled) {
      if (graph == null) {
        pass.run();
      } else {
        launch();
      }
    } else if (graph == null) {
      graph = record(pass);
      if (graph == null) {
        isSettled = true; // something in it cannot be recorded
        pass.run();
      } else {
        launch();
      }
    } else {
      runTrial(pass);
    }
  }

  private void runTrial(Runnable pass) {
    takeTime();
    if (trials == TRIALS) {
      isSettled = true;
      if (queuedMilliseconds < WORTHWHILE * replayedMilliseconds) {
        destroyGraph();
        pass.run();
      } else {
        launch();
      }
      return;
    }
    if (begin.isNull()) {
      Cuda.check(cudart.cudaEventCreate(begin), "cudaEventCreate");
      Cuda.check(cudart.cudaEventCreate(end), "cudaEventCreate");
    }
    timesGraph = trials % 2 == 1;
    Cuda.check(cudart.cudaEventRecord(begin, stream), "cudaEventRecord");
    if (timesGraph) {
      launch();
    } else {
      pass.run();
    }
    Cuda.check(cudart.cudaEventRecord(end, stream), "cudaEventRecord");
    isTiming = true;
    trials++;
  }

  /** Of the trial before, once it is done; the best of each way counts. */
  private void takeTime() {
    if (isTiming) {
      Cuda.check(cudart.cudaEventSynchronize(end), "cudaEventSynchronize");
      float[] milliseconds = new float[1];
      Cuda.check(cudart.cudaEventElapsedTime(milliseconds, begin, end), "cudaEventElapsedTime");
      if (timesGraph) {
        replayedMilliseconds = Math.min(replayedMilliseconds, milliseconds[0]);
      } else {
        queuedMilliseconds = Math.min(queuedMilliseconds, milliseconds[0]);
      }
      isTiming = false;
    }
  }

  private void launch() {
    Cuda.check(cudart.cudaGraphLaunch(graph, stream), "cudaGraphLaunch");
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

  /** How a pass goes now, for a person. */
  String way() {
    return graph == null ? "queued" : isSettled ? "replayed" : "tried both ways";
  }

  private void forget() {
    destroyGraph();
    isSettled = false;
    isTiming = false;
    trials = 0;
    queuedMilliseconds = Float.POSITIVE_INFINITY;
    replayedMilliseconds = Float.POSITIVE_INFINITY;
    seen = null;
  }

  private void destroyGraph() {
    if (graph != null) {
      Cuda.check(cudart.cudaGraphExecDestroy(graph), "cudaGraphExecDestroy");
      graph = null;
    }
  }

  @Override
  public void close() {
    forget();
    if (!begin.isNull()) {
      Cuda.check(cudart.cudaEventDestroy(begin), "cudaEventDestroy");
      Cuda.check(cudart.cudaEventDestroy(end), "cudaEventDestroy");
      begin.setNull();
      end.setNull();
    }
  }
}
