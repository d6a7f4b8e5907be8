package io.sluice.scoring.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.InsufficientClusterException;
import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.kernel.RecordingAccelerator;
import io.sluice.scoring.SparkExtension;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(SparkExtension.class)
class TaskDeviceTest {
  private static final AtomicInteger AT_ONCE = new AtomicInteger();

  @BeforeEach
  void withoutRealGpus() {
    RecordingAccelerator.have(0);
    Assumptions.assumeTrue(Device.gpuProblem().isPresent(), "this machine has a GPU");
  }

  @AfterEach
  void putAway() {
    RecordingAccelerator.have(0);
  }

  private static List<String> devicesOfTasks(SparkSession spark, DeviceChoice choice) {
    return JavaSparkContext.fromSparkContext(spark.sparkContext())
        .parallelize(IntStream.range(0, 6).boxed().toList(), 6)
        .map(
            number -> {
              try (TaskDevice own = TaskDevice.of(choice)) {
                if (own.device().isGpu()) {
                  assertThat(AT_ONCE.incrementAndGet()).isEqualTo(1);
                  LockSupport.parkNanos(20_000_000);
                  AT_ONCE.decrementAndGet();
                }
                return own.device().toString();
              }
            })
        .collect();
  }

  @Test
  void tasksOfTheDriversProcessTakeTurnsOnItsGpu(SparkSession spark) {
    assertThat(devicesOfTasks(spark, DeviceChoice.AUTO)).containsOnly("CPU").hasSize(6);
    RecordingAccelerator.have(1);

    assertThat(devicesOfTasks(spark, DeviceChoice.GPU))
        .containsOnly("GPU 0 (recording)")
        .hasSize(6);
    assertThat(devicesOfTasks(spark, DeviceChoice.AUTO)).containsOnly("GPU 0 (recording)");
    assertThat(devicesOfTasks(spark, DeviceChoice.CPU)).containsOnly("CPU");
  }

  @Test
  void outsideOfTasksTheFirstGpuIsTaken() {
    RecordingAccelerator.have(2);

    assertThat(TaskDevice.of(DeviceChoice.GPU).device()).hasToString("GPU 0 (recording)");
    assertThat(TaskDevice.of(DeviceChoice.CPU).device()).hasToString("CPU");
  }

  @Test
  void gpuIsRefusedWhereNoTaskCanHaveOne(SparkSession spark) {
    SparkContext context = spark.sparkContext();

    assertThatThrownBy(() -> GpuScheduling.require(context, DeviceChoice.GPU))
        .isInstanceOf(InsufficientClusterException.class)
        .hasMessageStartingWith("device = gpu, and none can be used: ");
    GpuScheduling.require(context, DeviceChoice.AUTO);
    // one process: no stage asks for anything
    assertThat(GpuScheduling.profile(context, DeviceChoice.GPU)).isEmpty();
  }
}
