package io.sluice.recurrent.pipeline;

import static io.sluice.recurrent.optim.SmallModels.ADAM;
import static io.sluice.recurrent.optim.SmallModels.B;
import static io.sluice.recurrent.optim.SmallModels.DESCENT;
import static io.sluice.recurrent.optim.SmallModels.T;
import static io.sluice.recurrent.optim.SmallModels.batches;
import static io.sluice.recurrent.optim.SmallModels.rows;
import static io.sluice.recurrent.optim.SmallModels.worst;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.LayerRates;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.Regularizers;
import io.sluice.recurrent.model.WordEmbedding;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.InProcessExchange;
import io.sluice.recurrent.optim.SmallModels;
import io.sluice.recurrent.optim.SmallModels.Kind;
import io.sluice.recurrent.optim.TrainingStep;
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
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** However layers are placed and batches cut, the step is that of one process. */
class PipelineTrainingTest {
  private static final int STEPS = 50;

  /** Of the network. */
  private static final int SEED = 4;

  /**
   * @param stages of each of three recurrent layers and the head
   * @param shares of a batch by replica
   */
  record Cut(List<Integer> stages, int chunkSteps, int microBatches, int[] shares) {
    @Override
    public String toString() {
      return "stages %s, chunks of %d, %d micro-batches, shares %s"
          .formatted(
              stages, chunkSteps, microBatches, List.of(IntStream.of(shares).boxed().toArray()));
    }
  }

  static List<Cut> cuts() {
    return List.of(
        new Cut(List.of(0, 0, 0, 0), 6, 1, new int[] {12}),
        new Cut(List.of(0, 0, 0, 0), 2, 3, new int[] {12}),
        new Cut(List.of(0, 0, 1, 1), 2, 3, new int[] {12}),
        new Cut(List.of(0, 0, 0, 1), 4, 5, new int[] {12}),
        new Cut(List.of(0, 1, 2, 2), 1, 2, new int[] {12}),
        new Cut(List.of(0, 1, 2, 3), 6, 4, new int[] {12}),
        new Cut(List.of(0, 1, 2, 3), 2, 3, new int[] {7, 5}),
        new Cut(List.of(0, 1, 1, 1), 3, 2, new int[] {5, 0, 7}));
  }

  @ParameterizedTest
  @MethodSource("cuts")
  void anyPlacementFollowsTheLossCurveOfOneProcess(Cut cut) throws Exception {
    ModelSpec spec = threeLayers(Cell.LSTM);
    List<Batch> batches = batches(spec, STEPS);
    Whole whole = whole(spec, ADAM, batches, SEED);

    List<Stage> stages = train(spec, ADAM, new Placement(cut.stages), cut, batches, whole.initial);

    for (Stage each : stages) {
      whole.assertFollowedBy(each);
      assertThat(each.losses).isEqualTo(stages.get(0).losses);
      assertThat(GlobalNormClipping.lastNorm(each.network).getAsDouble())
          .isCloseTo(GlobalNormClipping.lastNorm(whole.network).getAsDouble(), within(1e-5));
    }
    for (int replica = 0; replica < cut.shares.length; replica++) {
      assertThat(worst(together(stages, replica), whole.network.params())).isLessThan(1e-5);
      assertThat(together(stages, replica)).isEqualTo(together(stages, 0));
    }
    double validation =
        whole.network.score(new DataSet(batches.get(3).features(), batches.get(3).labels()), false);
    assertThat(stages.get(0).validation).isCloseTo(validation, within(1e-5 * validation));
  }

  @Test
  void layersThatLearnLaterAndSlowerDoSoOnTheirStages() throws Exception {
    ModelSpec spec = threeLayers(Cell.LSTM);
    OptimizerSpec optimizer = ADAM.with(new LayerRates(2.6, 2));
    List<Batch> batches = batches(spec, 9);
    Whole whole = whole(spec, optimizer, batches, SEED);
    var cut = new Cut(List.of(0, 0, 1, 1), 2, 3, new int[] {12});

    List<Stage> stages =
        train(spec, optimizer, new Placement(cut.stages), cut, batches, whole.initial);

    whole.assertFollowedBy(stages.get(0));
    assertThat(GlobalNormClipping.lastNorm(stages.get(0).network).getAsDouble())
        .isCloseTo(GlobalNormClipping.lastNorm(whole.network).getAsDouble(), within(1e-5));
    assertThat(worst(together(stages, 0), whole.network.params())).isLessThan(1e-5);
  }

  @ParameterizedTest
  @EnumSource
  void everyKindOfModelTrainsTheSameOnOneStageAndTwo(Kind kind) throws Exception {
    everyModelTrainsTheSame(kind.spec());
  }

  @ParameterizedTest
  @EnumSource
  void everyCellTrainsTheSameOnOneStageAndTwo(Cell cell) throws Exception {
    everyModelTrainsTheSame(threeLayers(cell));
  }

  /** ND4J would draw one from the clock: the network has another in its place. */
  @Test
  void weightsAreDroppedTheSameFromASeedOfZero() throws Exception {
    everyModelTrainsTheSame(Kind.DROPPED_WEIGHTS.spec(), 0);
  }

  private static void everyModelTrainsTheSame(ModelSpec spec) throws Exception {
    everyModelTrainsTheSame(spec, SEED);
  }

  /** By plain gradient descent: see {@code ExactTrainingTest}. */
  private static void everyModelTrainsTheSame(ModelSpec spec, long seed) throws Exception {
    List<Batch> batches = batches(spec, 4);
    Whole whole = whole(spec, DESCENT, batches, seed);
    int layers = spec.hiddenSizes().size();
    for (int lower = 1; lower <= layers + 1; lower++) {
      int first = lower;
      List<Integer> stageOf =
          IntStream.range(0, layers + 1).mapToObj(block -> block < first ? 0 : 1).toList();
      var cut = new Cut(stageOf, spec.bidirectional() ? T : 4, 3, new int[] {7, 5});

      List<Stage> stages =
          train(spec, DESCENT, new Placement(stageOf), cut, batches, whole.initial, seed);

      whole.assertFollowedBy(stages.get(0));
      assertThat(worst(together(stages, 0), whole.network.params())).isLessThan(1e-5);
    }
  }

  /** Models of documents. */
  enum Documents {
    ATTENDED(
        List.of(5, 4), true, ModelSpec.Output.LAST, Attention.additive(3), false, Cell.LSTM, false),
    LAST(List.of(5, 4), true, ModelSpec.Output.LAST, Attention.NONE, true, Cell.LSTM, false),
    MEAN(List.of(5, 4, 6), false, ModelSpec.Output.MEAN, Attention.NONE, true, Cell.LSTM, false),
    MAX_FROZEN(
        List.of(5, 4, 6), false, ModelSpec.Output.MAX, Attention.NONE, false, Cell.GRU, true),
    LAST_MOVED(List.of(5, 4), true, ModelSpec.Output.LAST, Attention.NONE, true, Cell.LSTM, 0.5),
    MEAN_MOVED(
        List.of(5, 4, 6), false, ModelSpec.Output.MEAN, Attention.NONE, false, Cell.LSTM, 0.5);

    private final ModelSpec spec;

    Documents(
        List<Integer> hiddenSizes,
        boolean bidirectional,
        ModelSpec.Output output,
        Attention attention,
        boolean layerNorm,
        Cell cell,
        boolean frozen) {
      this(
          hiddenSizes,
          bidirectional,
          output,
          attention,
          layerNorm,
          cell,
          new WordEmbedding(40, 3, frozen, 0.3, false));
    }

    /** Whose rows are moved by ε. */
    Documents(
        List<Integer> hiddenSizes,
        boolean bidirectional,
        ModelSpec.Output output,
        Attention attention,
        boolean layerNorm,
        Cell cell,
        double epsilon) {
      this(
          hiddenSizes,
          bidirectional,
          output,
          attention,
          layerNorm,
          cell,
          new WordEmbedding(40, 3, false, 0.3, false, epsilon));
    }

    Documents(
        List<Integer> hiddenSizes,
        boolean bidirectional,
        ModelSpec.Output output,
        Attention attention,
        boolean layerNorm,
        Cell cell,
        WordEmbedding words) {
      this.spec =
          new ModelSpec(
              1,
              T,
              cell,
              hiddenSizes,
              bidirectional,
              0.3,
              output,
              List.of(),
              1,
              Precision.F32,
              Head.classes(3, List.of()),
              attention,
              layerNorm,
              words.frozen(),
              cell == Cell.GRU ? 0 : 0.2,
              words,
              new Regularizers(0.2, 0.4, 0.3, 0.5, 0.7));
    }
  }

  /** What learns not yet gives its rows no direction. */
  @Test
  void frozenLayersMoveNoWordsOnAnyStage() throws Exception {
    ModelSpec spec = Documents.LAST_MOVED.spec;
    OptimizerSpec optimizer = DESCENT.with(new LayerRates(1, 2));
    List<Batch> batches = SmallModels.documents(spec, 7);
    Whole whole = whole(spec, optimizer, batches, SEED);
    var cut = new Cut(List.of(0, 1, 1), T, 3, new int[] {12});

    List<Stage> stages =
        train(spec, optimizer, new Placement(cut.stages), cut, batches, whole.initial);

    whole.assertFollowedBy(stages.get(0));
    assertThat(worst(together(stages, 0), whole.network.params())).isLessThan(1e-5);
  }

  /** Each batch is as long as its longest document; one replica has no part in any. */
  @ParameterizedTest
  @EnumSource
  void documentsOfDifferentLengthTrainTheSame(Documents kind) throws Exception {
    ModelSpec spec = kind.spec;
    List<Batch> batches = SmallModels.documents(spec, 5);
    Whole whole = whole(spec, DESCENT, batches, SEED);
    for (List<Integer> stageOf :
        spec.hiddenSizes().size() == 2
            ? List.of(List.of(0, 1, 1), List.of(0, 0, 1))
            : List.of(List.of(0, 1, 2, 2), List.of(0, 0, 0, 1))) {
      var cut = new Cut(stageOf, spec.bidirectional() ? T : 2, 3, new int[] {5, 0, 7});

      List<Stage> stages =
          train(spec, DESCENT, new Placement(stageOf), cut, batches, whole.initial);

      whole.assertFollowedBy(stages.get(0));
      for (int replica = 0; replica < cut.shares.length; replica++) {
        assertThat(worst(together(stages, replica), whole.network.params())).isLessThan(1e-5);
      }
      Batch validated = batches.get(3);
      double validation =
          whole.network.score(
              new DataSet(validated.features(), validated.labels(), validated.featuresMask(), null),
              false);
      assertThat(stages.get(0).validation).isCloseTo(validation, within(1e-5 * validation));
    }
  }

  @Test
  void seriesWithGapsAreNoPipelines() {
    assertThatThrownBy(
            () -> Examples.lengths(Nd4j.createFromArray(new float[][] {{1, 1, 0}, {1, 0, 1}})))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "featuresMask of example 1 has step 2 but not step 1: a pipeline takes series whose real time steps come first");
    assertThat(Examples.lengths(Nd4j.ones(2, 3))).isNull();
    assertThat(Examples.lengths(Nd4j.createFromArray(new float[][] {{1, 1, 0}, {0, 0, 0}})))
        .containsExactly(2, 0);
  }

  /** With dropout between layers and of the state. */
  private static ModelSpec threeLayers(Cell cell) {
    return new ModelSpec(
        3,
        T,
        cell,
        List.of(5, 4, 6),
        false,
        0.3,
        ModelSpec.Output.LAST,
        List.of(3),
        1,
        Precision.F32,
        Head.regression(2),
        Attention.NONE,
        false,
        false,
        cell == Cell.GRU ? 0 : 0.2);
  }

  /**
   * One process that took the same steps.
   *
   * @param initial parameters before them
   * @param losses of each
   */
  private record Whole(MultiLayerNetwork network, INDArray initial, List<Double> losses) {

    void assertFollowedBy(Stage stage) {
      assertThat(stage.losses).hasSameSizeAs(losses);
      for (int k = 0; k < losses.size(); k++) {
        // float32 sums in another order, up to 50 updates long
        assertThat(stage.losses.get(k))
            .isCloseTo(losses.get(k), within(1e-5 * Math.abs(losses.get(k))));
      }
    }
  }

  private static Whole whole(
      ModelSpec spec, OptimizerSpec optimizer, List<Batch> batches, long seed) {
    MultiLayerNetwork network = Networks.create(spec, optimizer, seed);
    INDArray initial = network.params().dup();
    var step = new TrainingStep(network);
    return new Whole(network, initial, batches.stream().map(step::run).toList());
  }

  private record Stage(
      int replica, MultiLayerNetwork network, List<Double> losses, double validation) {}

  private static INDArray together(List<Stage> stages, int replica) {
    return Nd4j.hstack(
        stages.stream()
            .filter(stage -> stage.replica == replica)
            .map(stage -> stage.network.params())
            .toArray(INDArray[]::new));
  }

  private static List<Stage> train(
      ModelSpec spec,
      OptimizerSpec optimizer,
      Placement placement,
      Cut cut,
      List<Batch> batches,
      INDArray initial)
      throws Exception {
    return train(spec, optimizer, placement, cut, batches, initial, SEED);
  }

  private static List<Stage> train(
      ModelSpec spec,
      OptimizerSpec optimizer,
      Placement placement,
      Cut cut,
      List<Batch> batches,
      INDArray initial,
      long seed)
      throws Exception {
    int P = placement.count();
    ExecutorService threads = Executors.newFixedThreadPool(P * cut.shares.length);
    List<InProcessExchange> peers =
        IntStream.range(0, P).mapToObj(s -> new InProcessExchange(cut.shares.length)).toList();
    var running = new ArrayList<Future<Stage>>();
    int rows = 0;
    for (int replica = 0; replica < cut.shares.length; replica++) {
      var links = new InMemoryLinks(P);
      int[] own = IntStream.range(rows, rows + cut.shares[replica]).toArray();
      rows += own.length;
      for (int stage = 0; stage < P; stage++) {
        int r = replica;
        int s = stage;
        running.add(
            threads.submit(
                () ->
                    stage(
                        spec, optimizer, placement, cut, batches, initial, seed, links, r, s, own,
                        peers)));
      }
    }
    var stages = new ArrayList<Stage>();
    var failures = new ArrayList<Throwable>();
    for (Future<Stage> each : running) {
      try {
        stages.add(each.get());
      } catch (java.util.concurrent.ExecutionException e) {
        failures.add(e.getCause());
      }
    }
    threads.shutdownNow();
    assertThat(failures).isEmpty();
    return stages;
  }

  private static Stage stage(
      ModelSpec spec,
      OptimizerSpec optimizer,
      Placement placement,
      Cut cut,
      List<Batch> batches,
      INDArray initial,
      long seed,
      InMemoryLinks links,
      int replica,
      int s,
      int[] own,
      List<InProcessExchange> peers) {
    try (var network = new StageNetwork(spec, optimizer, placement, s, seed);
        var step =
            new StageStep(
                network,
                s,
                placement.count(),
                cut.chunkSteps,
                cut.microBatches,
                links.stage(s),
                cut.shares.length == 1 ? null : peers.get(s).rank(replica),
                links.sum(s))) {
      long from = initial.length();
      for (int above = placement.count() - 1; above >= s; above--) {
        try (var other = new StageNetwork(spec, optimizer, placement, above, seed)) {
          from -= other.network().numParams();
        }
      }
      network
          .network()
          .setParams(
              initial.get(
                  NDArrayIndex.all(),
                  NDArrayIndex.interval(from, from + network.network().numParams())));
      var losses = new ArrayList<Double>();
      for (Batch batch : batches) {
        Batch mine = s == 0 ? rows(batch, own) : null;
        StageLinks.Header header =
            step.begin(s == 0 ? StageLinks.Header.training(B, mine, 1, 1, false, false) : null);
        losses.add(step.train(header, mine));
      }
      double[] validated =
          step.validate(
              s == 0 ? (batches.size() > 3 ? List.of(batches.get(3)) : batches).iterator() : null,
              false);
      double[] all = links.sum(s).over(validated);
      return new Stage(replica, network.network(), losses, all[0] / all[1]);
    }
  }
}
