package io.sluice.recurrent.embedding;

import io.sluice.recurrent.layer.TimeChunk;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What {@link AdversarialInput} adds to the rows of a batch, which may come in time chunks of
 * several micro-batches. Its memory, of a whole batch, is kept.
 */
final class Perturbation {
  private final double epsilon;

  /** g, (T, b, E) of each micro-batch, one after the other. */
  private INDArray gradients;

  // by sequence of the batch
  private int[] words = {};
  private double[] squaresOfRows = {};
  private double[] squaresOfGradients = {};

  Perturbation(double epsilon) {
    this.epsilon = epsilon;
  }

  /**
   * Before the rows of a batch are measured.
   *
   * @param examples B
   * @param timeSteps T
   * @param numbers E
   */
  void begin(DataType type, int examples, int timeSteps, int numbers) {
    if (words.length < examples) {
      words = new int[examples];
      squaresOfRows = new double[examples];
      squaresOfGradients = new double[examples];
    }
    Arrays.fill(words, 0);
    Arrays.fill(squaresOfRows, 0);
    Arrays.fill(squaresOfGradients, 0);
    long needed = (long) examples * timeSteps * numbers;
    if (gradients == null || gradients.length() < needed) {
      free();
      try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
        gradients = Nd4j.createUninitialized(type, needed);
      }
    }
  }

  /**
   * @param y (T, B, E) of a chunk
   * @param ids (T·B) of its words; negative where there is none
   */
  void measure(TimeChunk chunk, INDArray y, int[] ids) {
    addSquares(chunk, y, squaresOfRows);
    for (int row = 0; row < chunk.rows(); row++) {
      words[chunk.firstExample() + row % chunk.examples()] += ids[row] >= 0 ? 1 : 0;
    }
  }

  /**
   * @param dy (T, B, E), gradient of the rows of a chunk that was measured; copied
   */
  void aim(TimeChunk chunk, INDArray dy) {
    addSquares(chunk, dy, squaresOfGradients);
    at(chunk, dy.size(2)).assign(dy);
  }

  private static void addSquares(TimeChunk chunk, INDArray numbers, double[] squares) {
    double[] norms = numbers.norm2(0, 2).toDoubleVector();
    for (int b = 0; b < norms.length; b++) {
      squares[chunk.firstExample() + b] += norms[b] * norms[b];
    }
  }

  /**
   * Once for each chunk, after the whole batch was measured; a sequence that was not aimed, has no
   * words or a gradient of zero, stays as it is.
   *
   * @param y (T, B, E), the rows of a chunk
   */
  void addTo(TimeChunk chunk, INDArray y) {
    double[] factors = new double[chunk.examples()];
    boolean moves = false;
    for (int b = 0; b < factors.length; b++) {
      int example = chunk.firstExample() + b;
      if (words[example] > 0 && squaresOfGradients[example] > 0) {
        double sigma = Math.sqrt(squaresOfRows[example] / ((double) words[example] * y.size(2)));
        factors[b] = epsilon * sigma / Math.sqrt(squaresOfGradients[example]);
        moves = true;
      }
    }
    if (!moves) {
      return; // there may be nothing but what memory held
    }
    try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      INDArray each = Nd4j.createFromArray(factors).castTo(y.dataType());
      INDArray r = at(chunk, y.size(2));
      r.muli(each.reshape(1, factors.length, 1));
      y.addi(r);
    }
  }

  /** Where a chunk's gradient lies. */
  private INDArray at(TimeChunk chunk, long numbers) {
    long from =
        (long) chunk.firstExample() * chunk.timeSteps()
            + (long) chunk.firstStep() * chunk.examples();
    long[] shape = {chunk.steps(), chunk.examples(), numbers};
    return Nd4j.create(gradients.data(), shape, Nd4j.getStrides(shape, 'c'), from * numbers, 'c');
  }

  /** Native memory that it holds. */
  long nativeBytes() {
    return gradients == null ? 0 : gradients.length() * gradients.dataType().width();
  }

  void free() {
    if (gradients != null) {
      gradients.close();
      gradients = null;
    }
  }
}
