package io.sluice.scoring.device;

import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.kernel.DeviceChoice;
import java.util.OptionalInt;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;

/**
 * The device of a task, which is its own until it is closed.
 *
 * <p>Spark says which GPU a task has. Where it says nothing and all tasks run in the driver's
 * process ({@code local[*]}), they take turns on the GPUs of that process; in an executor without
 * an assigned GPU none is taken, because others on that machine may have it.
 */
public final class TaskDevice implements AutoCloseable {
  static final String NONE_FROM_SPARK =
      "Spark gives its executors none. Set spark.executor.resource.gpu.amount = 1 and spark.executor.resource.gpu.discoveryScript to discover-gpus.sh (see submit-scripts/README.md).";

  /** The driver among executors, as Spark names it. */
  private static final String DRIVER = "driver";

  private static final long TICK_MILLIS = 100;

  /** GPUs of this process that no task has, where Spark deals none out. */
  private static final class Free {
    static final BlockingQueue<Integer> GPUS =
        new ArrayBlockingQueue<>(
            Math.max(1, Device.gpus()), false, IntStream.range(0, Device.gpus()).boxed().toList());
  }

  private final Device device;
  private final OptionalInt taken;

  private TaskDevice(Device device, OptionalInt taken) {
    this.device = device;
    this.taken = taken;
  }

  /**
   * For what the calling thread computes, in a task or outside of any.
   *
   * @throws io.sluice.failure.InsufficientClusterException if {@code choice} is {@code GPU} and
   *     there is none for it
   */
  public static TaskDevice of(DeviceChoice choice) {
    TaskContext task = TaskContext.get();
    if (choice == DeviceChoice.CPU || task == null) {
      return lasting(Device.choose(choice, 0, false));
    }
    OptionalInt assigned = assigned(task);
    if (assigned.isPresent() || !isInDriver()) {
      return lasting(ofAssigned(choice, assigned));
    }
    if (Device.gpus() == 0) {
      return lasting(Device.choose(choice, 0, false));
    }
    int number = takeTurn(task);
    return new TaskDevice(Device.choose(choice, number, false), OptionalInt.of(number));
  }

  /**
   * The device of a rank, for as long as its task goes on: the GPU that Spark gave it, or in the
   * driver's process that of its number.
   *
   * @param ranks in all; with more of them than GPUs in the driver's process, none takes one unless
   *     it must
   * @throws io.sluice.failure.InsufficientClusterException if {@code choice} is {@code GPU} and
   *     there is none for it
   */
  public static Device ofRank(DeviceChoice choice, TaskContext task, int rank, int ranks) {
    OptionalInt assigned = assigned(task);
    if (assigned.isPresent() || !isInDriver()) {
      return ofAssigned(choice, assigned);
    }
    boolean enough = choice == DeviceChoice.GPU || ranks <= Device.gpus();
    return enough ? Device.choose(choice, rank, false) : Device.CPU;
  }

  private static Device ofAssigned(DeviceChoice choice, OptionalInt assigned) {
    if (choice == DeviceChoice.CPU) {
      return Device.CPU;
    }
    if (assigned.isPresent()) {
      return Device.choose(choice, assigned.getAsInt(), true);
    }
    if (choice == DeviceChoice.GPU) {
      throw Device.refusal(NONE_FROM_SPARK);
    }
    return Device.CPU;
  }

  private static OptionalInt assigned(TaskContext task) {
    ResourceInformation gpus = task.resourcesJMap().get(GpuScheduling.RESOURCE);
    if (gpus == null || gpus.addresses().length == 0) {
      return OptionalInt.empty();
    }
    String address = gpus.addresses()[0];
    try {
      return OptionalInt.of(Integer.parseInt(address.strip()));
    } catch (NumberFormatException e) {
      throw Device.refusal(
          "Spark gave this task the GPU \"%s\", which is no number: spark.executor.resource.gpu.discoveryScript must print numbers from 0, as discover-gpus.sh does."
              .formatted(address));
    }
  }

  private static boolean isInDriver() {
    return SparkEnv.get().executorId().equals(DRIVER);
  }

  private static int takeTurn(TaskContext task) {
    try {
      while (true) {
        Integer number = Free.GPUS.poll(TICK_MILLIS, TimeUnit.MILLISECONDS);
        if (number != null) {
          return number;
        }
        if (task.isInterrupted()) {
          throw new IllegalStateException("The task was cancelled while it waited for a GPU");
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting for a GPU", e);
    }
  }

  private static TaskDevice lasting(Device device) {
    return new TaskDevice(device, OptionalInt.empty());
  }

  public Device device() {
    return device;
  }

  /** Lets others have it. */
  @Override
  public void close() {
    if (taken.isPresent()) { // or a task that never looked for GPUs would do so now
      Free.GPUS.add(taken.getAsInt());
    }
  }
}
