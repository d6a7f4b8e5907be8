package io.sluice.recurrent.kernel;

import java.util.Optional;

/**
 * Kernels on devices beside the CPU. Implementations are found by {@link java.util.ServiceLoader};
 * the first one whose {@link #problem} is empty is used, so that this package need not know them.
 *
 * <p>Asking never throws and, before {@link #problem} is found to be empty, costs nothing on a
 * machine without such a device.
 */
public interface AcceleratorKernels {
  /**
   * Why none of its devices can be used in this process, in a sentence or two; empty if one can.
   */
  Optional<String> problem();

  /** Devices that can be used, numbered from 0; 0 where there is a {@link #problem}. */
  int devices();

  /** As a person reads it in a log, e.g. "NVIDIA H200 (140 GiB)". */
  String describe(int device);

  /** Bytes of a device's memory that nobody holds now. */
  long freeBytes(int device);

  /**
   * What it lacks for a layer, wherever it runs, and who has it; empty if it has all.
   *
   * @param dropsState whether the layer drops recurrent state
   */
  Optional<String> lack(Cell cell, boolean dropsState);

  /**
   * A kernel for a layer that it lacks nothing for.
   *
   * @throws DeviceMemoryException if the device has no memory left; later calls of the kernel may
   *     throw it too
   */
  RecurrentKernel create(CellShape shape, Direction direction, Precision precision, int device);

  /**
   * A kernel for alike layers on top of each other that it lacks nothing for; empty if it has none
   * better than one for each.
   *
   * @param lowest whose outputs the next one reads
   * @throws DeviceMemoryException as {@link #create}
   */
  default Optional<StackKernel> createStack(
      CellShape lowest, int layers, Precision precision, int device) {
    return Optional.empty();
  }
}
