package io.sluice.recurrent.layer;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class KernelMemoryTest {
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatIsFreedIsTakenAgainByTheNextPass(boolean bidirectional) {
    MultiLayerNetwork network =
        Networks.create(
            new ModelSpec(
                3,
                7,
                Cell.LSTM,
                List.of(8, 8),
                bidirectional,
                0,
                ModelSpec.Output.LAST,
                List.of(),
                1,
                Precision.F32,
                Head.regression(1)),
            OptimizerSpec.constantAdam(1e-3),
            1);
    assertThat(KernelMemory.bytes(network)).isZero();
    INDArray x = Nd4j.randn(DataType.FLOAT, 4, 3, 7);
    INDArray expected = network.output(x).dup();
    long held = KernelMemory.bytes(network);
    assertThat(held).isPositive();

    KernelMemory.free(network);

    assertThat(KernelMemory.bytes(network)).isZero();
    assertThat(network.output(x)).isEqualTo(expected);
    assertThat(KernelMemory.bytes(network)).isEqualTo(held);
  }
}
