package io.sluice.recurrent.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Direction;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CudaTest {
  @Test
  void aMachineWithoutAGpuSaysWhyAndWhatToDo() {
    Assumptions.assumeTrue(Cuda.problem().isPresent(), "this machine has a GPU");

    assertThat(Cuda.devices()).isZero();
    // whichever of driver, CUDA, cuDNN and card is missing: a sentence, and no exception
    assertThat(Cuda.problem().get()).matches("[A-Z].{20,}\\.").doesNotContain("\n");
    assertThatThrownBy(() -> new CudaContext(0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(Cuda.problem().get());
  }

  @Test
  void aMachineWithGpusNumbersThemFromZero() {
    Assumptions.assumeTrue(Cuda.problem().isEmpty(), () -> Cuda.problem().get());

    assertThat(Cuda.name(0)).isNotBlank();
    assertThat(Cuda.freeBytes(0)).isPositive();
    int beyond = Cuda.devices();
    assertThatThrownBy(() -> new CudaContext(beyond))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "There is no GPU %d here: this machine has %d, numbered from 0"
                .formatted(beyond, beyond));
  }

  @Test
  void aLibraryThatDoesNotLoadIsNamedWithWhatToDo() {
    assertThat(
            Cuda.unloadable(
                new UnsatisfiedLinkError(
                    "/x/libjnicudart.so: libcuda.so.1: cannot open shared object file: No such file")))
        .isEqualTo(
            "No NVIDIA driver is on this machine (libcuda.so.1 is not on the library path). Install driver 580 or newer if it has a GPU.");
    assertThat(
            Cuda.unloadable(
                new UnsatisfiedLinkError("/x/libjnicudnn.so: libcudnn_adv.so.9: cannot open")))
        .isEqualTo(
            "CUDA does not load (/x/libjnicudnn.so: libcudnn_adv.so.9: cannot open). Install CUDA 13 and cuDNN 9, and name their folders in LD_LIBRARY_PATH (in Spark: spark.executor.extraLibraryPath).");
    assertThat(
            Cuda.unloadable(
                new ExceptionInInitializerError(
                    new UnsatisfiedLinkError(
                        "Could not find jnicudart in class, module, and library paths."))))
        .isEqualTo(
            "CUDA's bindings are not on the class path (Could not find jnicudart in class, module, and library paths.). Add org.bytedeco:cuda with the natives of this platform.");
  }

  @ParameterizedTest
  @EnumSource(
      value = Cell.class,
      names = {"PEEPHOLE_LSTM", "LAYERNORM_LSTM"})
  void cellsThatCudnnLacksAreRefusedWithTheKernelThatHasThem(Cell cell) {
    assertThatThrownBy(
            () ->
                new CudnnKernel(new CellShape(cell, 3, 4), Direction.FORWARD, CudaPrecision.F32, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "cuDNN has no %s: train it on the CPU, where the fused kernel has it (device = cpu)"
                .formatted(cell.label()));
  }
}
