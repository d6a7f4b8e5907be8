package io.sluice.recurrent.kernel;

import io.sluice.failure.InsufficientClusterException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/**
 * Where a thread's recurrent layers compute: on the CPU or on one GPU.
 *
 * <p>It is no part of a network and of its JSON, because the same network is trained here and
 * scored there. It is bound to the thread that computes, because DL4J's calls have no place for it
 * and ranks of one process, which are threads, have a GPU each. A layer makes its kernel in its
 * first pass, on the device of that pass's thread, and stays there.
 */
public final class Device {
  /** What threads compute on unless told otherwise. */
  public static final Device CPU = new Device(-1, false, null, null);

  // one core against an H200 with the bus, float32: 102 and 2.8 ms at B=64, T=100, two layers of
  // 128; 2543 and 16 ms at B=128, two of 512 (benchmarks' recurrent.json and gpu-kernel.json)
  static final String COST =
      "For recurrent layers of 128 units one core takes some 35 times as long as an H200, of 512 units some 150 times.";

  private static final ThreadLocal<Device> CURRENT = ThreadLocal.withInitial(() -> CPU);

  private final int number;
  private final boolean required;
  private final AcceleratorKernels kernels;
  private final String complaint;

  private Device(int number, boolean required, AcceleratorKernels kernels, String complaint) {
    this.number = number;
    this.required = required;
    this.kernels = kernels;
    this.complaint = complaint;
  }

  /** Why no GPU can be used in this process, in a sentence or two; empty if one can. */
  public static Optional<String> gpuProblem() {
    return Accelerators.any()
        .map(AcceleratorKernels::problem)
        .orElse(Optional.of("Nothing on the class path knows GPUs."));
  }

  /** GPUs that can be used in this process, numbered from 0. */
  public static int gpus() {
    return Accelerators.any().map(AcceleratorKernels::devices).orElse(0);
  }

  /**
   * What {@code device = gpu} would lack for a layer, and who has it; empty if nothing.
   *
   * @param dropsState whether the layer drops recurrent state
   */
  public static Optional<String> lack(Cell cell, boolean dropsState) {
    return Accelerators.any().flatMap(kernels -> kernels.lack(cell, dropsState));
  }

  /**
   * The device that follows from what a person wants and a GPU that is free for this thread.
   *
   * @param number of the GPU
   * @param assigned whether someone gave this thread that GPU, and a person should hear if it
   *     cannot be used; else there may well be none
   * @throws InsufficientClusterException if {@code choice} is {@code GPU} and it cannot be used
   */
  public static Device choose(DeviceChoice choice, int number, boolean assigned) {
    if (choice == DeviceChoice.CPU) {
      return CPU;
    }
    Optional<String> problem = problem(number);
    boolean required = choice == DeviceChoice.GPU;
    if (problem.isEmpty()) {
      return new Device(number, required, Accelerators.any().orElseThrow(), null);
    }
    if (required) {
      throw refusal(problem.get());
    }
    return assigned
        ? new Device(
            -1,
            false,
            null,
            "Computing on the CPU, though Spark assigned GPU %d: %s %s Set device = cpu to say so."
                .formatted(number, problem.get(), COST))
        : CPU;
  }

  /**
   * What {@code device = gpu} ends with where it cannot be.
   *
   * @param problem why, in a sentence or two
   */
  public static InsufficientClusterException refusal(String problem) {
    return new InsufficientClusterException(
        "device = gpu, and none can be used: %s Set device = cpu to compute without one, or device = auto to take one only where it can be used."
            .formatted(problem));
  }

  private static Optional<String> problem(int number) {
    Optional<String> problem = gpuProblem();
    if (problem.isEmpty() && (number < 0 || number >= gpus())) {
      return Optional.of(
          "There is no GPU %d here: this process sees %d, numbered from 0. Compare the addresses that spark.executor.resource.gpu.discoveryScript prints with CUDA_VISIBLE_DEVICES of the executors."
              .formatted(number, gpus()));
    }
    return problem;
  }

  /** The calling thread's. */
  public static Device current() {
    return CURRENT.get();
  }

  /** Binds it to the calling thread until that is closed, which gives back the one before. */
  public Bound bind() {
    Device before = CURRENT.get();
    CURRENT.set(this);
    return () -> {
      if (before == CPU) {
        CURRENT.remove();
      } else {
        CURRENT.set(before);
      }
    };
  }

  /** A binding; closed by the thread that made it. */
  public interface Bound extends AutoCloseable {
    @Override
    void close();
  }

  /** Whether it is a GPU. */
  public boolean isGpu() {
    return kernels != null;
  }

  /**
   * Refuses a GPU that has too little memory where nothing else would do; where the CPU would,
   * layers go on there once it is used up.
   *
   * @param bytes that are needed, more or less
   * @param what needs them, as a person reads it
   * @param remedy what to do, as a sentence
   * @throws InsufficientClusterException if they are not free
   */
  public void requireMemory(long bytes, String what, String remedy) {
    if (!isGpu() || !required) {
      return;
    }
    long free = kernels.freeBytes(number);
    if (bytes > free) {
      throw new InsufficientClusterException(
          "%s has %,d MiB of memory free, and %s needs about %,d MiB. %s"
              .formatted(this, free >> 20, what, (bytes >> 20) + 1, remedy));
    }
  }

  /** Why it is not what was assigned, and what that costs; empty where nobody need hear. */
  public Optional<String> complaint() {
    return Optional.ofNullable(complaint);
  }

  /**
   * A GPU's kernel for a layer; empty if the layer computes on the CPU, with a warning where the
   * GPU lacks it.
   *
   * @throws UnsupportedOperationException if the GPU lacks it and only a GPU would do
   */
  Optional<RecurrentKernel> kernel(
      CellShape shape, Direction direction, Precision precision, boolean dropsState) {
    if (!isGpu()) {
      return Optional.empty();
    }
    Optional<String> lack = kernels.lack(shape.cell(), dropsState);
    if (lack.isPresent()) {
      if (required) {
        throw new UnsupportedOperationException(lack.get());
      }
      Kernels.warnOnce(
          "Computing a layer on the CPU beside %s: %s. %s".formatted(this, lack.get(), COST));
      return Optional.empty();
    }
    if (required) {
      return Optional.of(kernels.create(shape, direction, precision, number));
    }
    try {
      return Optional.of(
          new RetreatingKernel(
              kernels.create(shape, direction, precision, number),
              () -> Kernels.onCpu(shape, direction, precision, dropsState)));
    } catch (DeviceMemoryException e) {
      Kernels.warnOnce(RetreatingKernel.warning(e));
      return Optional.empty();
    }
  }

  /** As {@link Kernels#createStack}. */
  Optional<StackKernel> stack(CellShape lowest, int layers, Precision precision) {
    return isGpu() && kernels.lack(lowest.cell(), false).isEmpty()
        ? kernels.createStack(lowest, layers, precision, number)
        : Optional.empty();
  }

  /**
   * Several devices in a line, in their order, each of equal ones once: "2 x CPU".
   *
   * @param devices by their {@link #toString}
   */
  public static String summary(List<String> devices) {
    var counts = new LinkedHashMap<String, Integer>();
    devices.forEach(each -> counts.merge(each, 1, Integer::sum));
    var parts = new ArrayList<String>();
    counts.forEach((each, count) -> parts.add(count == 1 ? each : count + " x " + each));
    return String.join(", ", parts);
  }

  /** As a person reads it in a log: "CPU", or "GPU 1 (NVIDIA H200 (140 GiB))". */
  @Override
  public String toString() {
    return isGpu() ? "GPU %d (%s)".formatted(number, kernels.describe(number)) : "CPU";
  }
}
