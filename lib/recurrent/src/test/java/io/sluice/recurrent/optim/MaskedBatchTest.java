package io.sluice.recurrent.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.layer.KernelMemory;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Sequences of several lengths in one batch, filled up with what must not matter. */
class MaskedBatchTest {
  private static final int[] LENGTHS = {6, 2, 1, 5};

  /** Without outputs at every step. */
  @ParameterizedTest
  @EnumSource(
      value = SmallModels.Kind.class,
      names = {".*EVERY_STEP", ".*_WORDS?"},
      mode = EnumSource.Mode.MATCH_NONE)
  void lossAndGradientAreThoseOfEachSequenceByItself(SmallModels.Kind kind) {
    ModelSpec spec = kind.spec();
    Batch all = SmallModels.rows(SmallModels.batches(spec, 1).get(0), new int[] {0, 1, 2, 3});
    INDArray mask = Nd4j.zeros(DataType.FLOAT, LENGTHS.length, SmallModels.T);
    for (int b = 0; b < LENGTHS.length; b++) {
      mask.get(NDArrayIndex.point(b), NDArrayIndex.interval(0, LENGTHS[b])).assign(1);
    }
    MultiLayerNetwork network = Networks.create(spec, SmallModels.DESCENT, 3);
    INDArray sum = Nd4j.zeros(DataType.FLOAT, 1, network.numParams());
    double losses = 0;
    for (int b = 0; b < LENGTHS.length; b++) {
      Batch one = all.part(b, LENGTHS.length);
      INDArray steps =
          one.features()
              .get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(0, LENGTHS[b]));
      losses +=
          BatchGradient.of(
              network, new Batch(steps, one.labels(), one.labelsMask(), one.keys()), null, 1);
      sum.addi(ParameterUpdate.gradient(network).reshape(1, network.numParams()));
    }

    double mean =
        BatchGradient.of(
            network,
            new Batch(all.features(), mask, all.labels(), all.labelsMask(), all.keys()),
            null,
            1);

    assertThat(mean).isCloseTo(losses / LENGTHS.length, within(1e-5));
    INDArray gradient = ParameterUpdate.gradient(network);
    assertThat(gradient.norm2Number().doubleValue()).isGreaterThan(0.01);
    assertThat(gradient.reshape(1, network.numParams()).distance2(sum))
        .isLessThan(1e-5 * sum.norm2Number().doubleValue());
    KernelMemory.free(network);
  }

  @Test
  void aPartIsTrimmedToItsOwnLongestSequence() {
    ModelSpec spec = SmallModels.Kind.WORDS.spec();
    Batch all = SmallModels.documents(spec, 1).get(0);
    float[][] mask = all.featuresMask().toFloatMatrix();
    for (int parts = 2; parts <= SmallModels.B; parts++) {
      for (int part = 0; part < parts; part++) {
        Batch some = all.part(part, parts).trimmed();
        int start = Batch.start(SmallModels.B, part, parts);
        int longest = 0;
        for (int b = start; b < start + some.size(); b++) {
          int length = 0;
          while (length < mask[b].length && mask[b][length] == 1) {
            length++;
          }
          longest = Math.max(longest, length);
        }
        assertThat(some.features().shape()).containsExactly(some.size(), 1, longest);
        assertThat(some.featuresMask().shape()).containsExactly(some.size(), longest);
      }
    }
  }

  /** Cut into as many pieces as the longest batch would be, or fewer: the step is the same. */
  @Test
  void shorterBatchesAreCutIntoFewerPieces() {
    ModelSpec spec = SmallModels.Kind.WORDS.spec();
    List<Batch> batches = SmallModels.documents(spec, 5);
    MultiLayerNetwork whole = Networks.create(spec, SmallModels.DESCENT, 3);
    var expected = new TrainingStep(whole);
    MultiLayerNetwork cut = Networks.create(spec, SmallModels.DESCENT, 3);
    var pieces = new MicroBatches(6, 2 * SmallModels.T);
    try (var replicas = new Replicas(cut, 2)) {
      var step = new TrainingStep(replicas, pieces, null);
      for (Batch batch : batches) {
        double loss = expected.run(batch);
        assertThat(step.run(batch)).isCloseTo(loss, within(1e-5 * loss));
      }
    }

    assertThat(SmallModels.worst(cut.params(), whole.params())).isLessThan(1e-5);
    for (Batch batch : batches) {
      int steps = (int) batch.featuresMask().size(1);
      assertThat(pieces.of(batch)).isEqualTo((steps + 1) / 2);
      assertThat(new MicroBatches(6, steps).of(batch)).isEqualTo(6);
      assertThat(new MicroBatches(50, steps).of(batch)).isEqualTo(SmallModels.B);
    }
    assertThat(pieces.of(SmallModels.batches(spec, 1).get(0))).isEqualTo(6);
  }
}
