package io.sluice.training.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

class ExampleBatchTest {
  private static final int B = 10;
  private static final int I = 2;
  private static final int T = 20;

  /** Remembers the time steps of each forward pass, filling included. */
  private static final class Remembering extends MultiLayerNetwork {
    private static final long serialVersionUID = 1L;

    private final transient List<Long> steps = new ArrayList<>();

    Remembering(MultiLayerNetwork network) {
      super(network.getLayerWiseConfigurations());
      init(network.params(), false);
    }

    @Override
    public double score(DataSet data, boolean training) {
      steps.add(data.getFeatures().size(0) * data.getFeatures().size(2));
      return super.score(data, training);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void noPassTakesMoreStepsThanItMay(boolean isMasked) {
    INDArray mask = null;
    if (isMasked) {
      mask = Nd4j.ones(B, T);
      mask.putScalar(0, T - 1, 0);
    }
    var batch =
        new ExampleBatch(
            new DataSet(
                Nd4j.rand(new int[] {B, I, T}, 3), Nd4j.rand(new int[] {B, 1}, 4), mask, null),
            LongStream.range(0, B).toArray(),
            B);
    var network = new Remembering(network());
    double whole = batch.loss(network, Long.MAX_VALUE);
    assertThat(network.steps).containsExactly((long) B * T);
    network.steps.clear();

    double inPasses = batch.loss(network, 3 * T);

    assertThat(network.steps).hasSize(4).allMatch(steps -> steps <= 3 * T);
    assertThat(inPasses).isCloseTo(whole, within(1e-6 * whole));
    network.steps.clear();
    batch.loss(network, 1);
    assertThat(network.steps).hasSize(B);
  }

  private static MultiLayerNetwork network() {
    var spec =
        new ModelSpec(
            I,
            T,
            Cell.LSTM,
            List.of(4),
            false,
            0,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            Precision.F32,
            Head.regression(1));
    var plain =
        new OptimizerSpec(
            OptimizerSpec.Algorithm.SGD,
            0.1,
            0,
            OptimizerSpec.Schedule.CONSTANT,
            Integer.MAX_VALUE,
            0,
            1,
            1,
            1,
            1,
            0,
            1);
    return Networks.create(spec, plain, 1);
  }
}
