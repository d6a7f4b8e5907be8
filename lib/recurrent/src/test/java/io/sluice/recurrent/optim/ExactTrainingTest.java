package io.sluice.recurrent.optim;

import static io.sluice.recurrent.optim.SmallModels.ADAM;
import static io.sluice.recurrent.optim.SmallModels.B;
import static io.sluice.recurrent.optim.SmallModels.DESCENT;
import static io.sluice.recurrent.optim.SmallModels.batches;
import static io.sluice.recurrent.optim.SmallModels.optimizer;
import static io.sluice.recurrent.optim.SmallModels.rows;
import static io.sluice.recurrent.optim.SmallModels.worst;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.dropout.ExampleKeys;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.optim.SmallModels.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** However a batch is cut, the step is that on the whole batch. */
class ExactTrainingTest {
  /** Every layer of the models here is a part of the gradient by itself. */
  private static final long LEAST_BUCKET = 1;

  /** The shares of ranks; one has none, one fewer than it has threads. */
  static List<int[]> shares() {
    return List.of(new int[] {12}, new int[] {7, 5}, new int[] {5, 0, 7}, new int[] {1, 6, 0, 5});
  }

  @ParameterizedTest
  @MethodSource("shares")
  void anyNumberOfRanksFollowsTheLossCurveOfOneProcess(int[] shares) throws Exception {
    ModelSpec spec = Kind.BIDIRECTIONAL.spec();
    List<Batch> batches = batches(spec, 50);
    MultiLayerNetwork whole = network(spec, ADAM);
    List<Double> expected = train(new TrainingStep(whole), batches);

    List<Rank> ranks = train(spec, ADAM, batches, shares);

    for (Rank rank : ranks) {
      for (int k = 0; k < 50; k++) {
        // float32 sums in another order, 50 updates long
        assertThat(rank.losses.get(k))
            .isCloseTo(expected.get(k), within(1e-5 * Math.abs(expected.get(k))));
      }
      assertThat(worst(rank.network.params(), whole.params())).isLessThan(1e-5);
      assertThat(GlobalNormClipping.lastNorm(rank.network).getAsDouble())
          .isCloseTo(GlobalNormClipping.lastNorm(whole).getAsDouble(), within(1e-5));
      assertThat(rank.network.getIterationCount()).isEqualTo(50);
      assertThat(rank.losses).isEqualTo(ranks.get(0).losses);
      assertThat(ParameterHash.of(rank.network.params()))
          .isEqualTo(ParameterHash.of(ranks.get(0).network.params()));
      assertThat(ParameterHash.of(rank.network.getUpdater().getStateViewArray()))
          .isEqualTo(ParameterHash.of(ranks.get(0).network.getUpdater().getStateViewArray()));
    }
  }

  /**
   * By plain gradient descent: attention has biases that move all scores alike, whose gradient is
   * zero but for rounding, and Adam makes steps of full length of that.
   */
  @ParameterizedTest
  @EnumSource
  void everyKindOfModelTrainsTheSameOnThreeRanks(Kind kind) throws Exception {
    ModelSpec spec = kind.spec();
    List<Batch> batches = batches(spec, 4);
    MultiLayerNetwork whole = network(spec, DESCENT);
    List<Double> expected = train(new TrainingStep(whole), batches);

    List<Rank> ranks = train(spec, DESCENT, batches, new int[] {5, 0, 7});

    for (Rank rank : ranks) {
      for (int k = 0; k < expected.size(); k++) {
        assertThat(rank.losses.get(k))
            .isCloseTo(expected.get(k), within(1e-5 * Math.abs(expected.get(k))));
      }
      assertThat(worst(rank.network.params(), whole.params())).isLessThan(1e-5);
      assertThat(rank.network.params()).isEqualTo(ranks.get(0).network.params());
    }
  }

  @Test
  void partsOfTheGradientGoOutWhileLayersBelowCompute() throws Exception {
    ModelSpec spec = Kind.BIDIRECTIONAL.spec();

    List<Rank> ranks = train(spec, ADAM, batches(spec, 1), new int[] {7, 5, 0});

    // head 3·2 + 2, dense 8·3 + 3, the upper layer 2·(4·4·(10 + 4) + 4·4), and the lower one
    List<InProcessExchange.Range> ranges =
        List.of(
            new InProcessExchange.Range(867, 875),
            new InProcessExchange.Range(840, 867),
            new InProcessExchange.Range(360, 840),
            new InProcessExchange.Range(0, 360));
    assertThat(ranks.get(0).exchange.ranges()).isEqualTo(ranges);
    for (Rank rank : ranks.subList(0, 2)) {
      assertThat(rank.exchange.ranges()).isEqualTo(ranges);
      assertThat(rank.exchange.early()).isEqualTo(ranges.subList(0, 3));
    }
    assertThat(ranks.get(2).exchange.ranges()).isEqualTo(ranges);
  }

  @Test
  void smallLayersGoOutTogether() {
    MultiLayerNetwork network = network(Kind.BIDIRECTIONAL.spec(), ADAM);
    InProcessExchange.Rank exchange = new InProcessExchange(1).rank(0);
    var gradient = Nd4j.zeros(network.numParams());

    new GradientSum(network, List.of(FlatGradient.dense(gradient)), exchange, 30).begin(0);

    assertThat(exchange.ranges())
        .containsExactly(
            new InProcessExchange.Range(840, 875),
            new InProcessExchange.Range(360, 840),
            new InProcessExchange.Range(0, 360));
  }

  @Test
  void gradientWithDropoutIsTheSameHoweverTheBatchIsCutAndOrdered() {
    ModelSpec spec = Kind.BIDIRECTIONAL.spec();
    Batch batch = batches(spec, 1).get(0);
    INDArray expected = gradient(spec, batch, 1, 1, 0);

    for (int replicas : new int[] {1, 2, 3}) {
      for (int microBatches : new int[] {1, 2, 5}) {
        // float32 sums of 12 examples in another order; numbers of the gradient are below 1
        assertThat(worst(gradient(spec, batch, replicas, microBatches, 0), expected))
            .isLessThan(1e-6);
        assertThat(worst(gradient(spec, shuffled(batch), replicas, microBatches, 0), expected))
            .isLessThan(1e-6);
      }
    }
    assertThat(worst(gradient(spec, batch, 1, 1, 1), expected)).isGreaterThan(1e-3);
    Batch others = new Batch(batch.features(), batch.labels(), null, ExampleKeys.of(4, 0, 0, B));
    assertThat(worst(gradient(spec, others, 1, 1, 0), expected)).isGreaterThan(1e-3);
  }

  @Test
  void theSameCutGivesTheSameBitsWhateverNd4jsGeneratorDoes() {
    ModelSpec spec = Kind.EVERY_STEP.spec();
    Batch batch = batches(spec, 1).get(0);

    Nd4j.getRandom().setSeed(1);
    INDArray first = gradient(spec, batch, 3, 2, 0);
    Nd4j.getRandom().setSeed(2);
    INDArray second = gradient(spec, batch, 3, 2, 0);

    assertThat(second).isEqualTo(first);
  }

  @Test
  void aBatchWithoutExamplesOrWithoutAnExchangeIsRefused() {
    ModelSpec spec = Kind.MEAN.spec();
    Batch batch = batches(spec, 1).get(0);
    var step = new TrainingStep(network(spec, ADAM));

    assertThatThrownBy(() -> step.run(Batch.empty()))
        .hasMessage("examples is 0 with 0 of this process, must be at least 1");
    assertThatThrownBy(() -> step.run(batch, 13))
        .hasMessage("examples is 13 with 12 of this process, must be 12: there is no exchange");
    assertThatThrownBy(() -> step.run(batch, 11))
        .hasMessage("examples is 11 with 12 of this process, must be at least 12");
    assertThatThrownBy(() -> new Batch(batch.features(), batch.labels(), null, new long[11]))
        .hasMessage("keys has length 11, expected one an example, 12");
  }

  private static MultiLayerNetwork network(ModelSpec spec, OptimizerSpec optimizer) {
    return Networks.create(spec, optimizer, 4);
  }

  private record Rank(
      MultiLayerNetwork network, List<Double> losses, InProcessExchange.Rank exchange) {}

  private static List<Double> train(TrainingStep step, List<Batch> batches) {
    return batches.stream().map(step::run).toList();
  }

  /** Rank r has 1 + r % 3 threads and 1 + (r + 1) % 3 micro-batches. */
  private static List<Rank> train(
      ModelSpec spec, OptimizerSpec optimizer, List<Batch> batches, int[] shares) throws Exception {
    var exchange = new InProcessExchange(shares.length);
    ExecutorService threads = Executors.newFixedThreadPool(shares.length);
    try {
      var running = new ArrayList<Future<Rank>>();
      int from = 0;
      for (int r = 0; r < shares.length; r++) {
        int rank = r;
        int first = from;
        MultiLayerNetwork network = network(spec, optimizer);
        running.add(
            threads.submit(
                () -> {
                  var losses = new ArrayList<Double>();
                  try (var replicas = new Replicas(network, 1 + rank % 3)) {
                    var step =
                        new TrainingStep(
                            replicas,
                            MicroBatches.always(1 + (rank + 1) % 3),
                            exchange.rank(rank),
                            LEAST_BUCKET);
                    for (Batch batch : batches) {
                      int[] rows = IntStream.range(first, first + shares[rank]).toArray();
                      losses.add(step.run(rows(batch, rows), B));
                    }
                  }
                  return new Rank(network, losses, exchange.rank(rank));
                }));
        from += shares[r];
      }
      var ranks = new ArrayList<Rank>();
      for (Future<Rank> each : running) {
        ranks.add(each.get());
      }
      return ranks;
    } finally {
      threads.shutdownNow();
    }
  }

  private static Batch shuffled(Batch batch) {
    return rows(batch, new int[] {7, 2, 11, 0, 5, 9, 1, 10, 3, 8, 6, 4});
  }

  /** What one step of plain gradient descent at rate 1 takes from the parameters. */
  private static INDArray gradient(
      ModelSpec spec, Batch batch, int replicas, int microBatches, int step) {
    MultiLayerNetwork network = network(spec, optimizer(OptimizerSpec.Algorithm.SGD, 1, 0, 0));
    network.getLayerWiseConfigurations().setIterationCount(step);
    INDArray before = network.params().dup();
    try (var threads = new Replicas(network, replicas)) {
      new TrainingStep(threads, microBatches).run(batch);
    }
    return before.sub(network.params());
  }
}
