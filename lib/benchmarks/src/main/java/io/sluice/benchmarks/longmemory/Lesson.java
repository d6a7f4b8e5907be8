package io.sluice.benchmarks.longmemory;

import io.sluice.benchmarks.longmemory.MemoryTask.Examples;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.TrainingStep;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.Stream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * One network that is taught one task, with fresh sequences at every step: one recurrent layer, its
 * last step, a linear head; Adam at a constant rate, gradients clipped to norm 1.
 *
 * <p>Both cells begin with orthogonal recurrent weights. An LSTM's gates begin with time scales
 * from 1 to T (Tallec and Ollivier, "Can recurrent neural networks warp time?", ICLR 2018,
 * arXiv:1804.11188): for each unit, with u uniform in [0, 1),
 *
 * <pre>{@code
 * forget bias = ln(1 + u · (T - 2)),  input bias = -(forget bias)
 * }</pre>
 */
record Lesson(MemoryTask task, int delay, Cell cell, double learningRate, int seed, Budget budget) {

  /**
   * The same for every cell.
   *
   * @param hiddenSize H
   * @param batch sequences a step
   * @param steps of the optimizer
   */
  record Budget(int hiddenSize, int batch, int steps) {}

  /**
   * How it went.
   *
   * @param error on sequences that were not trained on, after the last step
   * @param learntAt the step from which on every look found the task learnt, to the last
   * @param before gradient norms by time steps from the end, at initialisation
   * @param after the same after the last step
   */
  record Outcome(
      Lesson lesson,
      double error,
      OptionalInt learntAt,
      Map<Integer, Double> before,
      Map<Integer, Double> after) {
    boolean isLearnt() {
      return learntAt.isPresent();
    }
  }

  static final int TEST_SEQUENCES = 1000;
  static final int GRADIENT_SEQUENCES = 64;
  private static final int LOOKS = 20;

  Outcome run() {
    MultiLayerNetwork network = network();
    try {
      var flow = new GradientFlow(network, cell);
      Examples probe = task.draw(new Random(-2), GRADIENT_SEQUENCES, delay);
      Map<Integer, Double> before = flow.norms(probe, distances());
      List<Double> errors = train(network);
      return new Outcome(
          this,
          errors.get(errors.size() - 1),
          learntAt(errors),
          before,
          flow.norms(probe, distances()));
    } finally {
      network.close();
    }
  }

  /** Errors at each look, the last after the last step. */
  private List<Double> train(MultiLayerNetwork network) {
    Examples test = task.draw(new Random(-1), TEST_SEQUENCES, delay);
    var random = new Random(seed);
    var training = new TrainingStep(network);
    var errors = new ArrayList<Double>();
    for (int step = 1; step <= budget.steps(); step++) {
      Examples batch = task.draw(random, budget.batch(), delay);
      training.run(new Batch(batch.features(), batch.targets(), null));
      if (step * LOOKS % budget.steps() < LOOKS) {
        errors.add(task.error(network.output(test.features(), false), test.targets()));
      }
    }
    return errors;
  }

  private OptionalInt learntAt(List<Double> errors) {
    int looks = errors.size();
    int first = looks;
    while (first > 0 && errors.get(first - 1) <= task.learnt()) {
      first--;
    }
    return first == looks
        ? OptionalInt.empty()
        : OptionalInt.of(Math.toIntExact((first + 1L) * budget.steps() / looks));
  }

  /** From the end: none, a few, and up to the state after the first step. */
  private List<Integer> distances() {
    int farthest = task.timeSteps(delay) - 1;
    return Stream.concat(
            Stream.of(0, 1, 5, 10, 20, 50, 100, 150).filter(distance -> distance < farthest),
            Stream.of(farthest))
        .toList();
  }

  private MultiLayerNetwork network() {
    var spec =
        new ModelSpec(
            task.inputSize(),
            task.timeSteps(delay),
            cell,
            List.of(budget.hiddenSize()),
            false,
            0,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            Precision.F32,
            task.head());
    MultiLayerNetwork network =
        Networks.create(spec, OptimizerSpec.constantAdam(learningRate), seed);
    if (cell.hasCellState()) {
      setTimeScales(network.getLayer(0).getParam("b"));
    }
    return network;
  }

  /**
   * @param bias (4·H), blocks i f g o
   */
  private void setTimeScales(INDArray bias) {
    var random = new Random(seed);
    int H = budget.hiddenSize();
    for (int j = 0; j < H; j++) {
      double scale = Math.log(1 + random.nextDouble() * (task.timeSteps(delay) - 2));
      bias.putScalar(j, -scale);
      bias.putScalar((long) H + j, scale);
    }
  }
}
