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

  /** The loss scale from which on a gradient overflows. */
  private static volatile double overflowsFrom = Double.POSITIVE_INFINITY;

  /** GPUs from now on; forgets all that was. */
  public static void have(int devices) {
    gpus = devices;
    rows = Integer.MAX_VALUE;
    overflowsFrom = Double.POSITIVE_INFINITY;
    MADE.clear();
  }

  static void haveMemoryFor(int timeStepsOfSequences) {
    rows = timeStepsOfSequences;
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
