package io.sluice.recurrent.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.ExitStatus;
import io.sluice.failure.InsufficientClusterException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DeviceTest {
  private static final CellShape LSTM = new CellShape(Cell.LSTM, 3, 4);

  @BeforeEach
  void withoutRealGpus() {
    RecordingAccelerator.have(0);
    Assumptions.assumeTrue(Device.gpuProblem().isPresent(), "this machine has a GPU");
  }

  @AfterEach
  void putAway() {
    RecordingAccelerator.have(0);
  }

  @Test
  void aThreadComputesOnTheCpuUntilItIsBound() {
    RecordingAccelerator.have(2);

    assertThat(Device.current()).isSameAs(Device.CPU).hasToString("CPU");
    try (Device.Bound bound = Device.choose(DeviceChoice.GPU, 1, false).bind()) {
      assertThat(Device.current()).hasToString("GPU 1 (recording)");
      try (Device.Bound inner = Device.CPU.bind()) {
        assertThat(Device.current().isGpu()).isFalse();
      }
      try (RecurrentKernel kernel = create(LSTM, false)) {
        assertThat(kernel.name()).isEqualTo("recording on GPU 1");
      }
    }
    assertThat(Device.current()).isSameAs(Device.CPU);
  }

  @Test
  void gpuWithoutOneIsRefusedWithWhatToDo() {
    assertThatThrownBy(() -> Device.choose(DeviceChoice.GPU, 0, false))
        .isInstanceOfSatisfying(
            InsufficientClusterException.class,
            e -> assertThat(e.exitStatus()).isEqualTo(ExitStatus.CLUSTER_TOO_SMALL))
        .hasMessage(
            "device = gpu, and none can be used: This test has no GPU. Set device = cpu to compute without one, or device = auto to take one only where it can be used.");
  }

  @Test
  void aNumberThatDoesNotExistIsRefused() {
    RecordingAccelerator.have(2);

    assertThatThrownBy(() -> Device.choose(DeviceChoice.GPU, 2, true))
        .hasMessage(
            "device = gpu, and none can be used: There is no GPU 2 here: this process sees 2, numbered from 0. Compare the addresses that spark.executor.resource.gpu.discoveryScript prints with CUDA_VISIBLE_DEVICES of the executors. Set device = cpu to compute without one, or device = auto to take one only where it can be used.");
  }

  @Test
  void autoIsSilentWithoutAGpuAndComplainsOfOneThatWasAssigned() {
    assertThat(Device.choose(DeviceChoice.AUTO, 0, false).complaint()).isEmpty();

    Device assigned = Device.choose(DeviceChoice.AUTO, 0, true);

    assertThat(assigned.isGpu()).isFalse();
    assertThat(assigned.complaint())
        .hasValue(
            "Computing on the CPU, though Spark assigned GPU 0: This test has no GPU. For recurrent layers of 128 units one core takes some 35 times as long as an H200, of 512 units some 150 times. Set device = cpu to say so.");
  }

  @Test
  void cpuNeverLooks() {
    RecordingAccelerator.have(1);

    assertThat(Device.choose(DeviceChoice.CPU, 7, true)).isSameAs(Device.CPU);
  }

  @Test
  void whatAGpuLacksComputesOnTheCpuWhereThatIsAllowed() {
    RecordingAccelerator.have(1);
    var peephole = new CellShape(Cell.PEEPHOLE_LSTM, 3, 4);

    try (Device.Bound bound = Device.choose(DeviceChoice.AUTO, 0, true).bind();
        RecurrentKernel cell = create(peephole, false);
        RecurrentKernel dropping = create(LSTM, true);
        RecurrentKernel fits = create(LSTM, false)) {
      assertThat(cell.name()).contains("oneDNN");
      assertThat(dropping.name()).contains("oneDNN");
      assertThat(fits.name()).isEqualTo("recording on GPU 0");
    }
    try (Device.Bound bound = Device.choose(DeviceChoice.GPU, 0, true).bind()) {
      assertThatThrownBy(() -> create(peephole, false))
          .hasMessage("the recorder has no peephole LSTM: the CPU has it (device = cpu)");
      assertThatThrownBy(() -> create(LSTM, true))
          .hasMessage("the recorder drops nothing: set model.recurrent-dropout = 0");
    }
  }

  @Test
  void withoutMemoryOnTheDeviceAutoGoesOnOnTheCpu() {
    RecordingAccelerator.have(1);
    var small = new Trial(LSTM, 4, 3, 1);
    var large = new Trial(LSTM, 40, 3, 1);
    Trial.Result expected;
    try (RecurrentKernel cpu = create(LSTM, false)) {
      expected = large.run(cpu);
    }
    RecordingAccelerator.haveMemoryFor(12);

    try (Device.Bound bound = Device.choose(DeviceChoice.AUTO, 0, true).bind();
        RecurrentKernel kernel = create(LSTM, false)) {
      small.run(kernel);
      assertThat(kernel.name()).isEqualTo("recording on GPU 0");
      Trial.Result result = large.run(kernel);
      assertThat(kernel.name()).contains("oneDNN");
      assertThat(result.y()).isEqualTo(expected.y());
      assertThat(result.gradients()).isEqualTo(expected.gradients());
    }
    try (Device.Bound bound = Device.choose(DeviceChoice.GPU, 0, true).bind();
        RecurrentKernel kernel = create(LSTM, false)) {
      assertThatThrownBy(() -> large.run(kernel))
          .isInstanceOf(DeviceMemoryException.class)
          .hasMessage("The recorder has no memory left for 120 rows.");
    }
  }

  private static RecurrentKernel create(CellShape shape, boolean dropsState) {
    return Kernels.create(shape, Direction.FORWARD, Precision.F32, dropsState);
  }
}
