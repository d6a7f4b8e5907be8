package io.sluice.recurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class NativeThreadsTest {
  @Test
  void oneThreadKeepsMatrixProductsAndElementwiseWorkOnOneCore() {
    INDArray a = Nd4j.rand(900, 900);
    INDArray b = Nd4j.rand(900, 900);
    NativeThreads.set(2);
    a.mmul(b).addi(a).muli(b);
    NativeThreads.set(1);

    double cores = coresBusyDuring(() -> a.mmul(b).addi(a).muli(b));

    // the JVM's own threads (collector, compiler) may add a little; two native threads give 2
    assertThat(cores).isBetween(0.2, 1.5);
  }

  @Test
  void lessThanOneThreadIsRefused() {
    assertThatThrownBy(() -> NativeThreads.set(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("threads is 0, must be at least 1");
  }

  private static double coresBusyDuring(Runnable work) {
    var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long wall = System.nanoTime();
    long cpu = system.getProcessCpuTime();
    while (System.nanoTime() - wall < 1_000_000_000L) {
      work.run();
    }
    return (system.getProcessCpuTime() - cpu) / (double) (System.nanoTime() - wall);
  }
}
