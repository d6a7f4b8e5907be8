package io.sluice.benchmarks.longmemory;

import io.sluice.recurrent.model.Head;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Sequences whose answer, asked for after the last time step, needs what was read long before. */
enum MemoryTask {
  /**
   * A number from [0, 1) at every time step, and a mark at two of them, one in each half of the
   * sequence; the answer is the sum of the two marked numbers. Whoever answers 1 has a mean squared
   * error of 2 · 1/12 = 0.167.
   *
   * <p>From Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997,
   * experiment 4, in the form of Le, Jaitly and Hinton, arXiv:1504.00941: numbers from [0, 1), a
   * length that is the same for all sequences, a target that is not rescaled.
   */
  ADDING("adding", 2, Head.regression(1), "mean squared error", 1.0 / 6) {
    @Override
    int timeSteps(int delay) {
      return delay;
    }

    @Override
    void draw(Random random, float[][] steps, float[] target) {
      int T = steps.length;
      for (float[] step : steps) {
        step[0] = random.nextFloat();
      }
      for (int marked : new int[] {random.nextInt(T / 2), T / 2 + random.nextInt(T - T / 2)}) {
        steps[marked][1] = 1;
        target[0] += steps[marked][0];
      }
    }

    @Override
    double error(INDArray outputs, INDArray targets) {
      INDArray apart = outputs.sub(targets);
      return apart.muli(apart).meanNumber().doubleValue();
    }

    /** A tenth of what is left to whoever remembers nothing. */
    @Override
    double learnt() {
      return withoutMemory() / 10;
    }
  },

  /**
   * One of {@value #SYMBOLS} symbols at every time step, the first with a mark; the answer, {@code
   * delay} time steps later, is the first. Symbols between are drawn from the same ones, so that a
   * cell must keep the first against what it reads. Whoever guesses is wrong in 7 of 8 sequences.
   *
   * <p>One symbol of the copying task of Arjovsky, Shah and Bengio, arXiv:1511.06464, with noise
   * for its blanks, as in experiment 2 of Hochreiter and Schmidhuber 1997.
   */
  RECALL(
      "recall",
      MemoryTask.SYMBOLS + 1,
      Head.classes(MemoryTask.SYMBOLS, List.of()),
      "share of wrong answers",
      1 - 1.0 / MemoryTask.SYMBOLS) {
    @Override
    int timeSteps(int delay) {
      return delay + 1;
    }

    @Override
    void draw(Random random, float[][] steps, float[] target) {
      for (float[] step : steps) {
        step[random.nextInt(SYMBOLS)] = 1;
      }
      System.arraycopy(steps[0], 0, target, 0, SYMBOLS);
      steps[0][SYMBOLS] = 1;
    }

    @Override
    double error(INDArray outputs, INDArray targets) {
      INDArray answers = outputs.argMax(1);
      return answers.neq(targets.argMax(1)).castTo(DataType.FLOAT).meanNumber().doubleValue();
    }

    @Override
    double learnt() {
      return 0.05;
    }
  };

  static final int SYMBOLS = 8;

  /**
   * Sequences with their answers.
   *
   * @param features (B, I, T)
   * @param targets (B, outputs)
   */
  record Examples(INDArray features, INDArray targets) {}

  private final String label;
  private final int inputSize;
  private final Head head;
  private final String errorName;
  private final double withoutMemory;

  MemoryTask(String label, int inputSize, Head head, String errorName, double withoutMemory) {
    this.label = label;
    this.inputSize = inputSize;
    this.head = head;
    this.errorName = errorName;
    this.withoutMemory = withoutMemory;
  }

  /** T of sequences that ask for a memory of so many time steps. */
  abstract int timeSteps(int delay);

  /**
   * Draws one sequence.
   *
   * @param steps (T, I) out, given as zeros
   * @param target (outputs) out, given as zeros
   */
  abstract void draw(Random random, float[][] steps, float[] target);

  /** Of a network's outputs (B, outputs); 0 is perfect. */
  abstract double error(INDArray outputs, INDArray targets);

  /** The largest error of a network that has learnt the task. */
  abstract double learnt();

  /** The least error of whoever knows the task and remembers nothing. */
  double withoutMemory() {
    return withoutMemory;
  }

  String errorName() {
    return errorName;
  }

  /** I. */
  int inputSize() {
    return inputSize;
  }

  Head head() {
    return head;
  }

  Examples draw(Random random, int sequences, int delay) {
    int T = timeSteps(delay);
    var features = Nd4j.createUninitialized(DataType.FLOAT, new long[] {T, sequences, inputSize});
    var all = new float[T * sequences * inputSize];
    var targets = new float[sequences][head.networkOutputs()];
    for (int b = 0; b < sequences; b++) {
      var steps = new float[T][inputSize];
      draw(random, steps, targets[b]);
      for (int t = 0; t < T; t++) {
        System.arraycopy(steps[t], 0, all, (t * sequences + b) * inputSize, inputSize);
      }
    }
    features.data().setData(all);
    // time-major in memory, as the kernels read it
    return new Examples(features.permute(1, 2, 0), Nd4j.createFromArray(targets));
  }

  static MemoryTask of(String label) {
    return Arrays.stream(values())
        .filter(task -> task.label.equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "%s is not a task; there are %s".formatted(label, Arrays.toString(values()))));
  }

  @Override
  public String toString() {
    return label;
  }
}
