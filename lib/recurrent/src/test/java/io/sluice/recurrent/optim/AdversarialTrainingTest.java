package io.sluice.recurrent.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.LayerRates;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.WordEmbedding;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Steps that learn from each batch as it is and moved to where the loss grows. */
class AdversarialTrainingTest {
  private static final int E = 3;
  private static final int WORDS = 40;
  private static final double EPSILON = 0.5;

  @BeforeEach
  void oneThread() {
    NativeThreads.set(1);
  }

  /**
   * Beside a network without embedding, whose inputs are the rows: what the rows give, how its loss
   * grows with them (from DL4J), and its losses and gradients at either place.
   */
  @Test
  void aStepIsTheMeanOfTheGradientsAsItIsAndMoved() {
    ModelSpec spec = spec(1).with(new WordEmbedding(WORDS, E, false, 0, false, EPSILON));
    Batch batch = SmallModels.documents(spec, 3).get(2);
    MultiLayerNetwork network = Networks.create(spec, descent(), 4);
    MultiLayerNetwork above = Networks.create(spec(E), descent(), 4);
    long rows = (long) WORDS * E;
    above.params().assign(part(network.params(), rows));
    INDArray before = network.params().dup();
    INDArray gradient = Nd4j.zeros(1, above.numParams());
    double loss = 0;
    double movedLoss = 0;

    for (int b = 0; b < batch.size(); b++) {
      // alone and without its padding
      Batch one = batch.part(b, batch.size()).trimmed();
      INDArray x = network.feedForwardToLayer(0, one.features()).get(1).dup('c');
      INDArray dx = above.calculateGradients(x, one.labels(), null, null).getSecond().dup('c');
      gradient.addi(above.getFlattenedGradients());
      double sigma = Math.sqrt(x.mul(x).meanNumber().doubleValue());
      INDArray moved = x.add(dx.mul(EPSILON * sigma / dx.norm2Number().doubleValue()));
      above.calculateGradients(moved, one.labels(), null, null);
      gradient.addi(above.getFlattenedGradients());
      loss += above.score(new DataSet(x, one.labels()), false) / batch.size();
      movedLoss += above.score(new DataSet(moved, one.labels()), false) / batch.size();
    }
    gradient.divi(2.0 * batch.size());
    double trained = new TrainingStep(network).run(batch);

    assertThat(movedLoss - loss).isGreaterThan(1e-3);
    // float32, sums in the order of one network or the other
    assertThat(trained).isCloseTo((loss + movedLoss) / 2, within(1e-5));
    INDArray step = before.sub(network.params());
    assertThat(SmallModels.worst(part(step, rows), gradient)).isLessThan(1e-6);
    assertThat(step.norm2Number().doubleValue()).isGreaterThan(0.01);
  }

  @Test
  void predictionsAndValidationAreNotMoved() {
    ModelSpec spec = spec(1).with(new WordEmbedding(WORDS, E, false, 0, false, EPSILON));
    Batch batch = SmallModels.batches(spec, 1).get(0);
    MultiLayerNetwork network = Networks.create(spec, descent(), 4);
    new TrainingStep(network).run(batch);
    MultiLayerNetwork plain =
        Networks.create(spec(1).with(WordEmbedding.of(WORDS, E)), descent(), 4);
    plain.params().assign(network.params());

    assertThat(network.output(batch.features())).isEqualTo(plain.output(batch.features()));
    assertThat(network.score(new DataSet(batch.features(), batch.labels()), false))
        .isEqualTo(plain.score(new DataSet(batch.features(), batch.labels()), false));
  }

  /** Nothing comes down to the rows, so nothing moves: the step is that of one pass. */
  @Test
  void belowFrozenLayersTheStepIsThatOfOnePass() {
    OptimizerSpec unfreezing = descent().with(new LayerRates(1, 100));
    ModelSpec spec = spec(1).with(new WordEmbedding(WORDS, E, false, 0, false, EPSILON));
    List<Batch> batches = SmallModels.batches(spec, 2);
    MultiLayerNetwork network = Networks.create(spec, unfreezing, 4);
    MultiLayerNetwork plain =
        Networks.create(spec(1).with(WordEmbedding.of(WORDS, E)), unfreezing, 4);
    var step = new TrainingStep(network);
    var plainStep = new TrainingStep(plain);

    for (Batch batch : batches) {
      assertThat(step.run(batch)).isCloseTo(plainStep.run(batch), within(1e-6));
    }

    assertThat(SmallModels.worst(network.params(), plain.params())).isLessThan(1e-6);
  }

  private static INDArray part(INDArray all, long from) {
    INDArray flat = all.reshape(all.length());
    return Nd4j.create(flat.toFloatVector())
        .get(NDArrayIndex.interval(from, all.length()))
        .reshape(1, all.length() - from);
  }

  private static OptimizerSpec descent() {
    return SmallModels.optimizer(OptimizerSpec.Algorithm.SGD, 1, 0, 0);
  }

  private static ModelSpec spec(int inputs) {
    return new ModelSpec(
        inputs,
        SmallModels.T,
        Cell.LSTM,
        List.of(5),
        true,
        0,
        ModelSpec.Output.MAX,
        List.of(),
        1,
        Precision.F32,
        Head.classes(3, List.of()),
        Attention.NONE,
        false,
        false,
        0);
  }
}
