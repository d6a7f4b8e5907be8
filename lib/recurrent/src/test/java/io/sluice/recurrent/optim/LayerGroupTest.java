package io.sluice.recurrent.optim;

import static io.sluice.recurrent.optim.SmallModels.batches;
import static io.sluice.recurrent.optim.SmallModels.optimizer;
import static io.sluice.recurrent.optim.SmallModels.worst;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.model.LayerRates;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.OptimizerSpec.Algorithm;
import io.sluice.recurrent.optim.SmallModels.Kind;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Layers that learn at rates of their own, one after the other. */
class LayerGroupTest {
  private static final int STEPS_BETWEEN = 2;

  /** Numbers of a group. */
  private static INDArray of(INDArray flat, LayerGroup group) {
    return flat.reshape(flat.length()).get(NDArrayIndex.interval(group.from(), group.to()));
  }

  @ParameterizedTest
  @EnumSource
  void aFrozenLayerDoesNotMoveAndTheOthersDoWhatTheyWould(Kind kind) {
    for (Algorithm algorithm : Algorithm.values()) {
      ModelSpec spec = kind.spec();
      var rates = new LayerRates(1, STEPS_BETWEEN);
      OptimizerSpec optimizer = optimizer(algorithm, 0.01, 0.1, 0.5).with(rates);
      MultiLayerNetwork network = Networks.create(spec, optimizer, 4);
      var step = new TrainingStep(network);
      List<LayerGroup> groups = rates.groups(spec);
      int last = STEPS_BETWEEN * (groups.size() - 1);

      for (Batch batch : batches(spec, last + 1)) {
        int k = network.getIterationCount();
        INDArray before = network.params().dup();
        step.run(batch);

        for (LayerGroup group : groups) {
          double moved = worst(of(network.params(), group), of(before, group));
          if (k < group.firstStep()) {
            assertThat(moved).as("%s, %s in step %d", algorithm, group, k).isZero();
          } else {
            assertThat(moved).as("%s, %s in step %d", algorithm, group, k).isPositive();
          }
        }
      }
      assertThat(GlobalNormClipping.frozen(network, last)).isZero();
      assertThat(GlobalNormClipping.frozen(network, 0))
          .isEqualTo(groups.get(groups.size() - 1).from());
    }
  }

  /** What is left out of the way back is left out of the norm, and changes nothing above. */
  @ParameterizedTest
  @EnumSource
  void theWayBackThatEndsAboveFrozenLayersLeavesTheGradientOfAWholeOne(Kind kind) {
    ModelSpec spec = kind.spec();
    MultiLayerNetwork whole = Networks.create(spec, SmallModels.DESCENT, 4);
    List<LayerGroup> groups = new LayerRates(1, STEPS_BETWEEN).groups(spec);
    Batch batch = batches(spec, 1).get(0);

    for (int step = 0; step <= STEPS_BETWEEN * (groups.size() - 1); step += STEPS_BETWEEN) {
      MultiLayerNetwork partly =
          Networks.create(spec, SmallModels.DESCENT.with(new LayerRates(1, STEPS_BETWEEN)), 4);
      for (MultiLayerNetwork each : List.of(whole, partly)) {
        each.getLayerWiseConfigurations().setIterationCount(step);
      }
      double expected = BatchGradient.of(whole, batch, null, 1);
      double loss = BatchGradient.of(partly, batch, null, 1);

      assertThat(loss).isEqualTo(expected);
      INDArray gradient = ParameterUpdate.gradient(partly);
      for (LayerGroup group : groups) {
        INDArray own = of(gradient, group);
        if (group.learnsAt(step)) {
          assertThat(own).isEqualTo(of(ParameterUpdate.gradient(whole), group));
        } else if (!kind.spec().embedding().tied()) {
          assertThat(own.amaxNumber().doubleValue()).isZero();
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void eachLayerHasTheRateOfTheOneAboveOverTheDecay(Algorithm algorithm) {
    ModelSpec spec = Kind.WORDS.spec();
    var rates = new LayerRates(2.6, 0);
    Batch batch = batches(spec, 1).get(0);
    OptimizerSpec alike = optimizer(algorithm, 0.01, 0.1, 0.5);
    INDArray expected = update(Networks.create(spec, alike, 4), batch);

    INDArray update = update(Networks.create(spec, alike.with(rates), 4), batch);

    List<LayerGroup> groups = rates.groups(spec);
    assertThat(groups.get(0).factor()).isCloseTo(1 / 6.76, within(1e-12));
    assertThat(groups.get(2).factor()).isEqualTo(1);
    for (LayerGroup group : groups) {
      INDArray whole = of(expected, group);
      assertThat(whole.amaxNumber().doubleValue()).isPositive();
      // a difference of two weights below 2, in float32
      assertThat(worst(of(update, group), whole.mul(group.factor()))).isLessThan(3e-7);
    }
  }

  private static INDArray update(MultiLayerNetwork network, Batch batch) {
    INDArray before = network.params().dup();
    new TrainingStep(network).run(batch);
    return network.params().sub(before);
  }

  /** As PyTorch's Adam does, which knows nothing of a weight before its first gradient. */
  @Test
  void adamCountsTheStepsInWhichALayerLearned() {
    ModelSpec spec = Kind.LAYER_NORM.spec();
    var rates = new LayerRates(1, STEPS_BETWEEN);
    OptimizerSpec optimizer = optimizer(Algorithm.ADAM, 0.01, 0, 0).with(rates);
    MultiLayerNetwork network = Networks.create(spec, optimizer, 4);
    var step = new TrainingStep(network);
    LayerGroup lowest = rates.groups(spec).get(0);
    List<Batch> batches = batches(spec, lowest.firstStep() + 1);
    batches.subList(0, lowest.firstStep()).forEach(step::run);
    INDArray before = network.params().dup();

    step.run(batches.get(lowest.firstStep()));

    // its first step: rate · g / |g|; with t counted from the start it would be three times that
    assertThat(worst(of(network.params(), lowest), of(before, lowest)))
        .isCloseTo(0.01, within(1e-5));
  }

  @Test
  void threadsAndMicroBatchesFollowOneProcess() {
    ModelSpec spec = Kind.WORDS.spec();
    OptimizerSpec optimizer = SmallModels.DESCENT.with(new LayerRates(2.6, STEPS_BETWEEN));
    List<Batch> batches = batches(spec, 8);
    MultiLayerNetwork alone = Networks.create(spec, optimizer, 4);
    batches.forEach(new TrainingStep(alone)::run);
    MultiLayerNetwork network = Networks.create(spec, optimizer, 4);

    try (var replicas = new Replicas(network, 2)) {
      var step = new TrainingStep(replicas, 3);
      batches.forEach(step::run);
    }

    assertThat(worst(network.params(), alone.params())).isLessThan(1e-6);
  }

  @ParameterizedTest
  @EnumSource(names = {"BIDIRECTIONAL", "LAYER_NORM", "CLASSES"})
  void aPartOfANetworkKnowsWhatOfItIsFrozen(Kind kind) {
    ModelSpec spec = kind.spec();
    OptimizerSpec optimizer = SmallModels.ADAM.with(new LayerRates(1, STEPS_BETWEEN));
    int each = Networks.layersOfRecurrent(spec);

    MultiLayerNetwork lowest = Networks.part(spec, optimizer, 1, 0, each, null, null);
    MultiLayerNetwork others =
        Networks.part(spec, optimizer, 1, each, Networks.layers(spec), null, null);

    // the head, the second layer and the first begin with steps 0, 2 and 4
    assertThat(GlobalNormClipping.frozen(lowest, 3)).isEqualTo(lowest.numParams());
    assertThat(GlobalNormClipping.frozen(lowest, 4)).isZero();
    assertThat(GlobalNormClipping.frozen(others, 1)).isPositive().isLessThan(others.numParams());
    assertThat(GlobalNormClipping.frozen(others, 2)).isZero();
  }

  @Test
  void groupsAreCutAsANetworkIs() {
    var group = new LayerGroup(10, 30, 0.5, 7);

    assertThat(group.within(0, 20)).isEqualTo(new LayerGroup(10, 20, 0.5, 7));
    assertThat(group.within(15, 100)).isEqualTo(new LayerGroup(0, 15, 0.5, 7));
    assertThat(group.within(30, 40)).isEqualTo(new LayerGroup(0, 0, 0.5, 7));
    assertThatThrownBy(() -> new LayerGroup(0, 1, 0, 0))
        .hasMessage("factor is 0.0, must be in (0, 1]");
    assertThatThrownBy(() -> new LayerGroup(2, 1, 1, 0))
        .hasMessage("from is 2 and to 1, must be 0 <= from <= to");
  }
}
