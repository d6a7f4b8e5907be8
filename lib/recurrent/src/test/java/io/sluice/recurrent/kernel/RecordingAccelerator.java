package io.sluice.recurrent.kernel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * GPUs for tests on machines without any: kernels compute what the CPU's compute, and tell on which
 * device they were made.
 *
 * <p>There are as many as {@link #have} says, or in another process the system property {@value
 * #GPUS}; there, kernels write to the folder {@value #FOLDER} names.
 */
public final class RecordingAccelerator implements AcceleratorKernels {
  public static final String GPUS = "sluice.test.gpus";
  public static final String FOLDER = "sluice.test.gpu-folder";

  private static final List<String> MADE = Collections.synchronizedList(new ArrayList<>());
  private static volatile int gpus = Integer.getInteger(GPUS, 0);

  /** Rows of a pass that fit its memory. */
  private static volatile int rows = Integer.MAX_VALUE;

  /** What {@link #freeBytes} says. */
  private static volatile long freeBytes = Long.MAX_VALUE;

  /** The loss scale from which on a gradient overflows. */
  private static volatile double overflowsFrom = Double.POSITIVE_INFINITY;

  /** GPUs from now on; forgets all that was. */
  public static void have(int devices) {
    gpus = devices;
    rows = Integer.MAX_VALUE;
    freeBytes = Long.MAX_VALUE;
    overflowsFrom = Double.POSITIVE_INFINITY;
    MADE.clear();
  }

  public static void haveMemoryFor(int timeStepsOfSequences) {
    rows = timeStepsOfSequences;
  }

  public static void haveFree(long bytes) {
    freeBytes = bytes;
  }

  public static void overflowFrom(double lossScale) {
    overflowsFrom = lossScale;
  }

  /** Kernels so far: "0: f32 LSTM, I=3, H=4 on thread-name". */
  public static List<String> made() {
    return List.copyOf(MADE);
  }

  @Override
  public Optional<String> problem() {
    return gpus > 0 ? Optional.empty() : Optional.of("This test has no GPU.");
  }

  @Override
  public int devices() {
    return gpus;
  }

  @Override
  public String describe(int device) {
    return "recording";
  }

  @Override
  public long freeBytes(int device) {
    return freeBytes;
  }

  @Override
  public Optional<String> lack(Cell cell, boolean dropsState) {
    if (cell == Cell.PEEPHOLE_LSTM) {
      return Optional.of("the recorder has no peephole LSTM: the CPU has it (device = cpu)");
    }
    return dropsState
        ? Optional.of("the recorder drops nothing: set model.recurrent-dropout = 0")
        : Optional.empty();
  }

  @Override
  public RecurrentKernel create(
      CellShape shape, Direction direction, Precision precision, int device) {
    String made =
        "%d: %s %s, I=%d, H=%d"
            .formatted(device, precision, shape.cell(), shape.inputSize(), shape.hiddenSize());
    MADE.add(made + " on " + Thread.currentThread().getName());
    write(device, made);
    return new Recorder(Kernels.onCpu(shape, direction, Precision.F32, false), precision, device);
  }

  @Override
  public Optional<StackKernel> createStack(
      CellShape lowest, int layers, Precision precision, int device) {
    MADE.add(
        "%d: stack of %d %s %s, I=%d, H=%d"
            .formatted(
                device, layers, precision, lowest.cell(), lowest.inputSize(), lowest.hiddenSize()));
    return Optional.of(new Stack(lowest, layers, precision));
  }

  /** One of the CPU's kernels for each layer. */
  private static final class Stack implements StackKernel {
    private final List<RecurrentKernel> kernels = new ArrayList<>();
    private final List<NativeBuffer> between = new ArrayList<>();
    private final Precision precision;
    private float lossScale = 1;
    private int T;
    private int B;

    Stack(CellShape lowest, int layers, Precision precision) {
      this.precision = precision;
      for (int l = 0; l < layers; l++) {
        int inputs = l == 0 ? lowest.inputSize() : lowest.hiddenSize();
        var shape = new CellShape(lowest.cell(), inputs, lowest.hiddenSize());
        kernels.add(Kernels.onCpu(shape, Direction.FORWARD, Precision.F32, false));
        between.add(new NativeBuffer());
      }
    }

    private Pointer block(Pointer parameters, int layer) {
      long offset = 0;
      for (int l = 0; l < layer; l++) {
        offset += kernels.get(l).shape().parameterCount();
      }
      return new FloatPointer(parameters).getPointer(offset);
    }

    /** What comes out of a layer, or its gradient. */
    private Pointer between(int layer) {
      return between.get(layer).atLeast((long) T * B * kernels.get(0).shape().hiddenSize() * 4);
    }

    @Override
    public void setParameters(Pointer parameters) {
      for (int l = 0; l < kernels.size(); l++) {
        kernels.get(l).setParameters(block(parameters, l));
      }
    }

    @Override
    public void setLossScale(float scale) {
      lossScale = scale;
    }

    @Override
    public void infer(int T, int B, Pointer x, Pointer y) {
      run(false, T, B, x, y);
    }

    @Override
    public void forward(int T, int B, Pointer x, Pointer y) {
      run(true, T, B, x, y);
    }

    private void run(boolean training, int T, int B, Pointer x, Pointer y) {
      Recorder.requireMemory(T, B);
      this.T = T;
      this.B = B;
      for (int l = 0; l < kernels.size(); l++) {
        Pointer in = l == 0 ? x : between(l - 1);
        Pointer out = l == kernels.size() - 1 ? y : between(l);
        if (training) {
          kernels.get(l).forward(0, T, B, in, null, out, null);
        } else {
          kernels.get(l).infer(T, B, in, null, out, null);
        }
      }
    }

    @Override
    public void backward(Pointer dy, Pointer dx) {
      Pointer gradient = dy;
      for (int l = kernels.size() - 1; l >= 0; l--) {
        // the outputs of a layer are the next one's inputs, which are needed until it is done
        var own = new FloatPointer((long) T * B * kernels.get(l).shape().inputSize());
        kernels.get(l).backward(0, gradient, null, l > 0 || dx == null ? own : dx, null);
        gradient = own;
      }
    }

    @Override
    public void takeGradients(Pointer dParameters) {
      for (int l = 0; l < kernels.size(); l++) {
        kernels.get(l).takeGradients(block(dParameters, l));
      }
      if (precision == Precision.F16 && lossScale >= overflowsFrom) {
        new FloatPointer(dParameters).put(0, Float.POSITIVE_INFINITY);
      }
    }

    @Override
    public long nativeBytes() {
      return kernels.stream().mapToLong(RecurrentKernel::nativeBytes).sum();
    }

    @Override
    public void close() {
      kernels.forEach(RecurrentKernel::close);
      between.forEach(NativeBuffer::close);
    }
  }

  private static void write(int device, String made) {
    String folder = System.getProperty(FOLDER);
    if (folder != null) {
      try {
        Files.writeString(
            Path.of(folder, "gpu-%d-process-%d".formatted(device, ProcessHandle.current().pid())),
            made + "\n",
            StandardOpenOption.CREATE,
            StandardOpenOption.APPEND);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static final class Recorder implements RecurrentKernel {
    private final RecurrentKernel kernel;
    private final Precision precision;
    private final int device;
    private float lossScale = 1;

    Recorder(RecurrentKernel kernel, Precision precision, int device) {
      this.kernel = kernel;
      this.precision = precision;
      this.device = device;
    }

    private static void requireMemory(int T, int B) {
      if (T * B > rows) {
        throw new DeviceMemoryException(
            "The recorder has no memory left for %d rows.".formatted(T * B));
      }
    }

    @Override
    public CellShape shape() {
      return kernel.shape();
    }

    @Override
    public String name() {
      return "recording on GPU " + device;
    }

    @Override
    public void setParameters(Pointer parameters) {
      kernel.setParameters(parameters);
    }

    @Override
    public void setLossScale(float scale) {
      lossScale = scale;
    }

    @Override
    public void setStateFactors(Pointer factors) {
      if (factors != null) {
        throw new UnsupportedOperationException("the recorder drops nothing");
      }
    }

    @Override
    public void infer(int T, int B, Pointer x, State initial, Pointer y, State last) {
      requireMemory(T, B);
      kernel.infer(T, B, x, initial, y, last);
    }

    @Override
    public void forward(int tape, int T, int B, Pointer x, State initial, Pointer y, State last) {
      requireMemory(T, B);
      kernel.forward(tape, T, B, x, initial, y, last);
    }

    @Override
    public void backward(int tape, Pointer dy, State dLast, Pointer dx, State dInitial) {
      kernel.backward(tape, dy, dLast, dx, dInitial);
    }

    @Override
    public void freeTapes() {}

    @Override
    public void takeGradients(Pointer dParameters) {
      kernel.takeGradients(dParameters);
      if (precision == Precision.F16 && lossScale >= overflowsFrom) {
        new FloatPointer(dParameters).put(0, Float.POSITIVE_INFINITY);
      }
    }

    @Override
    public long nativeBytes() {
      return kernel.nativeBytes();
    }

    @Override
    public void close() {
      kernel.close();
    }
  }
}
