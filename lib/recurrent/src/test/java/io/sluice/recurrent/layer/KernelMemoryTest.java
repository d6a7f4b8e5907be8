package io.sluice.recurrent.layer;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.HoldsNativeMemory;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.SmallModels;
import io.sluice.recurrent.optim.TrainingStep;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
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
    INDArray x = Nd4j.randn(DataType.FLOAT, 4, 3, 7);
    assertFreedAndTakenAgain(network, x);
  }

  private static void assertFreedAndTakenAgain(MultiLayerNetwork network, INDArray x) {
    assertThat(KernelMemory.bytes(network)).isZero();
    INDArray expected = network.output(x).dup();
    long held = KernelMemory.bytes(network);
    assertThat(held).isPositive();

    KernelMemory.free(network);

    assertThat(KernelMemory.bytes(network)).isZero();
    assertThat(network.output(x)).isEqualTo(expected);
    assertThat(KernelMemory.bytes(network)).isEqualTo(held);
    KernelMemory.free(network);
  }

  @ParameterizedTest
  @EnumSource(names = {"NEXT_WORD", "ADDITIVE_ATTENTION"})
  void passesAreForgottenAndTrainingGoesOnAsIfTheyWereNot(SmallModels.Kind kind) {
    ModelSpec spec = kind.spec();
    List<Batch> batches = SmallModels.batches(spec, 2);
    MultiLayerNetwork network = Networks.create(spec, SmallModels.DESCENT, 1);
    MultiLayerNetwork other = Networks.create(spec, SmallModels.DESCENT, 1);
    var step = new TrainingStep(network);
    var otherStep = new TrainingStep(other);
    step.run(batches.get(0));
    otherStep.run(batches.get(0));
    long held = KernelMemory.bytes(network);

    KernelMemory.forgetPasses(network);

    assertThat(KernelMemory.bytes(network)).isLessThan(held);
    assertThat(step.run(batches.get(1))).isEqualTo(otherStep.run(batches.get(1)));
    assertThat(network.params()).isEqualTo(other.params());
    KernelMemory.free(network);
    KernelMemory.free(other);
  }

  /** Heads hold memory of their own: logits of a training pass, hidden units of an attention. */
  @ParameterizedTest
  @EnumSource(names = {"NEXT_WORD", "ADAPTIVE_WORDS", "ADDITIVE_ATTENTION", "SELF_ATTENTION"})
  void whatAHeadHoldsIsFreedToo(SmallModels.Kind kind) {
    ModelSpec spec = kind.spec();
    MultiLayerNetwork network = Networks.create(spec, SmallModels.DESCENT, 1);
    var step = new TrainingStep(network);
    List<Batch> batches = SmallModels.batches(spec, 2);
    step.run(batches.get(0));
    assertThat(network.getLayers())
        .filteredOn(layer -> !(layer instanceof KernelLayer))
        .filteredOn(layer -> !(layer instanceof BidirectionalKernelLayer))
        .filteredOn(HoldsNativeMemory.class::isInstance)
        .extracting(layer -> ((HoldsNativeMemory) layer).nativeBytes())
        .anyMatch(bytes -> bytes > 0);

    KernelMemory.free(network);

    assertThat(KernelMemory.bytes(network)).isZero();
    assertThat(step.run(batches.get(1))).isFinite();
    KernelMemory.free(network);
  }
}
