package io.sluice.recurrent.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions;
import org.nd4j.linalg.schedule.FixedSchedule;

/** Work on long arrays that threads share. */
class SectionsTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7})
  void partsAreAllOfTheRangesInTheirOrderCutWhereBlocksBegin(int count) {
    var random = new Random(count);
    for (int trial = 0; trial < 50; trial++) {
      var ranges = new Ranges();
      for (long at = random.nextInt(3000), k = 0; k < trial; k++) {
        long to = at + 1 + random.nextInt(5000);
        ranges.add(at, to);
        at = to + random.nextInt(3) * random.nextInt(2000);
      }

      List<Ranges> parts = ranges.parts(count);

      var joined = new Ranges();
      parts.forEach(
          part -> {
            for (int k = 0; k < part.count(); k++) {
              joined.add(part.from(k), part.to(k));
            }
          });
      assertThat(joined.count()).isEqualTo(ranges.count());
      for (int k = 0; k < ranges.count(); k++) {
        assertThat(joined.from(k)).isEqualTo(ranges.from(k));
        assertThat(joined.to(k)).isEqualTo(ranges.to(k));
      }
      assertThat(parts).hasSize(count);
      long share = (ranges.numbers() + count - 1) / count;
      for (Ranges part : parts) {
        assertThat(part.numbers()).isLessThan(share + FloatBlocks.SIZE);
      }
      for (Ranges part : parts.subList(1, count)) {
        if (part.count() > 0) {
          boolean isCut = part.from(0) % FloatBlocks.SIZE == 0;
          assertThat(isCut || begins(ranges, part.from(0))).isTrue();
        }
      }
    }
  }

  private static boolean begins(Ranges ranges, long from) {
    return Stream.iterate(0, k -> k + 1)
        .limit(ranges.count())
        .anyMatch(k -> ranges.from(k) == from);
  }

  static Stream<IUpdater> updaters() {
    return Stream.of(new Adam(new FixedSchedule(0.02)), new Sgd(0.3), new Nesterovs(0.1, 0.9));
  }

  @ParameterizedTest
  @MethodSource("updaters")
  void updatesOfSeveralThreadsAreThoseOfOneToTheBit(IUpdater updater) {
    MultiLayerNetwork alone = network(updater, 0);
    MultiLayerNetwork shared = alone.clone();
    FlatGradient aloneGradient = FlatGradient.dense(ParameterUpdate.gradient(alone));
    FlatGradient sharedGradient = FlatGradient.dense(ParameterUpdate.gradient(shared));
    try (var replicas = new Replicas(shared, 3)) {
      var one = new ParameterUpdate(alone, false, aloneGradient);
      var three = new ParameterUpdate(shared, false, sharedGradient, Sections.of(replicas));

      for (int step = 0; step < 3; step++) {
        INDArray gradient = Nd4j.randn(alone.numParams());
        aloneGradient.whole().assign(gradient);
        sharedGradient.whole().assign(gradient);
        one.apply(4, 0.1);
        three.apply(4, 0.1);

        // its squares are added in another order; nothing is clipped
        assertThat(GlobalNormClipping.lastNorm(shared).getAsDouble())
            .isCloseTo(GlobalNormClipping.lastNorm(alone).getAsDouble(), within(1e-10));
        assertThat(ParameterHash.of(shared.params())).isEqualTo(ParameterHash.of(alone.params()));
      }
    }
  }

  static Stream<Arguments> updatersOfTwoPasses() {
    return Stream.of(new Adam(new FixedSchedule(0.02)), new Sgd(0.3))
        .flatMap(updater -> Stream.of(0.0, 0.5).map(maxNorm -> Arguments.of(updater, maxNorm)));
  }

  @ParameterizedTest
  @MethodSource("updatersOfTwoPasses")
  void stepsInTwoPassesAreThoseOfTheirPartsToTheBit(IUpdater updater, double maxNorm) {
    MultiLayerNetwork atOnce = network(updater, maxNorm);
    MultiLayerNetwork inParts = atOnce.clone();
    FlatGradient flat = FlatGradient.dense(ParameterUpdate.gradient(atOnce));
    var update = new ParameterUpdate(atOnce, false, flat);
    INDArray parameters = inParts.params().reshape(inParts.numParams());

    for (int step = 0; step < 3; step++) {
      INDArray gradient = Nd4j.randn(parameters.length());
      flat.whole().assign(gradient);
      update.apply(4, 0.1);
      gradient.muli(0.25);
      GlobalNormClipping.block(inParts).getGradientUpdater().applyUpdater(gradient, step, 0);
      parameters.subi(gradient);

      assertThat(GlobalNormClipping.lastNorm(atOnce))
          .isEqualTo(GlobalNormClipping.lastNorm(inParts));
      assertThat(ParameterHash.of(atOnce.params())).isEqualTo(ParameterHash.of(inParts.params()));
    }
  }

  @Test
  void aFailureInAThreadIsTheCallers() {
    try (var replicas = new Replicas(network(new Sgd(0.3), 0), 2)) {
      assertThatThrownBy(
              () ->
                  replicas.together(
                      thread -> {
                        if (thread == 1) {
                          throw new IllegalStateException("on its own");
                        }
                      }))
          .hasMessage("on its own");
    }
  }

  /** 300,500 parameters: more than are left to one thread. */
  private static MultiLayerNetwork network(IUpdater updater, double maxNorm) {
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(5)
                .updater(new GlobalNormClipping(updater, maxNorm))
                .list(
                    new OutputLayer.Builder(LossFunctions.LossFunction.MSE)
                        .nIn(600)
                        .nOut(500)
                        .activation(Activation.IDENTITY)
                        .build())
                .build());
    network.init();
    return network;
  }
}
