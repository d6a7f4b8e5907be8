package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.layer.KernelMemory;
import io.sluice.recurrent.layer.TimeChunk;
import io.sluice.recurrent.model.WordEmbedding;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.BatchGradient;
import io.sluice.recurrent.optim.ParameterUpdate;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * All that stands above the recurrent layers, and the loss: takes their outputs chunk by chunk,
 * computes when it has the whole series, and gives the gradient chunk by chunk.
 *
 * <p>Attention over time steps, pooling and the last step need the whole series; where each step
 * has an output they could do without, but the way back cannot begin before the last step's.
 *
 * <p>It runs as a DL4J network of its own over the stage's parameters. Of a head that is tied to an
 * embedding, the stage's parameters have no weights: there the network has parameters of its own,
 * the stage's and, before the last bias, the rows of the embedding.
 */
final class HeadPart implements AutoCloseable {
  private final MultiLayerNetwork network;
  private final INDArray gradient;
  private final int inputs;

  /** Outputs of the recurrent layers (T, B, N), and their gradient; as long as the longest yet. */
  private INDArray steps;

  private INDArray dSteps;

  /** Sum of the gradients of the step's micro-batches (P). */
  private final INDArray sum;

  private boolean hasSum;

  /** The stage's parameters where the network has its own; null where it runs over the stage's. */
  private final INDArray ofStage;

  /** Numbers of the network's before the embedding's rows, and those of the rows; 0 untied. */
  private final long rowsFrom;

  private final long rowNumbers;

  // of the series that is written
  private int T;
  private int B;

  /** Makes the network above an inlet. */
  interface Maker {
    /**
     * @param parameters (P) to be the network's own
     */
    MultiLayerNetwork make(Inlet inlet, INDArray parameters);
  }

  /**
   * @param inputs N, of each time step
   * @param parameters (P) of the stage that are the head's
   * @param tied the embedding whose rows are weights of the head besides; none is not tied
   */
  HeadPart(Maker maker, int inputs, INDArray parameters, WordEmbedding tied) {
    this.rowNumbers = (long) tied.words() * tied.size();
    this.rowsFrom = rowNumbers == 0 ? 0 : parameters.length() - tied.words();
    this.ofStage = rowNumbers == 0 ? null : parameters;
    INDArray own =
        rowNumbers == 0
            ? parameters
            : Nd4j.create(DataType.FLOAT, parameters.length() + rowNumbers);
    this.network = maker.make(new Inlet(this::arrived), own);
    this.gradient = ParameterUpdate.gradient(network);
    this.sum = gradient.ulike();
    this.inputs = inputs;
  }

  /** Before the first micro-batch of a step. */
  void begin(int step) {
    network.getLayerWiseConfigurations().setIterationCount(step);
    hasSum = false;
    if (rowNumbers > 0) {
      INDArray own = network.params().reshape(network.numParams());
      if (rowsFrom > 0) {
        below(own, rowsFrom).assign(below(ofStage, rowsFrom));
      }
      above(own, rowsFrom + rowNumbers).assign(above(ofStage, rowsFrom));
    }
  }

  /** Where the rows of the embedding (V, E) are to be written before a step, if it is tied. */
  Pointer rows() {
    return new FloatPointer(network.params().data().addressPointer()).getPointer(rowsFrom);
  }

  /** The sum of the step's gradients of these rows, of which there were examples. */
  Pointer rowGradients() {
    return new FloatPointer(sum.data().addressPointer()).getPointer(rowsFrom);
  }

  private static INDArray below(INDArray flat, long to) {
    return flat.get(NDArrayIndex.interval(0, to));
  }

  private static INDArray above(INDArray flat, long from) {
    return flat.get(NDArrayIndex.interval(from, flat.length()));
  }

  /** Where the outputs of a chunk are to be written, (T, B, N) of it. */
  Pointer room(TimeChunk chunk) {
    T = chunk.timeSteps();
    B = chunk.examples();
    long needed = (long) T * B * inputs;
    if (steps == null || steps.length() < needed) {
      steps = renewed(steps, needed);
    }
    return at(steps, chunk);
  }

  /**
   * Forward and back over the series that was written.
   *
   * @return the mean of the examples' losses
   */
  double learn(Examples examples) {
    var batch =
        new Batch(
            series(steps),
            examples.mask(T),
            examples.labels(),
            examples.labelsMask(),
            examples.keys());
    long needed = (long) T * B * inputs;
    if (dSteps == null || dSteps.length() < needed) {
      dSteps = renewed(dSteps, needed);
    }
    double loss = BatchGradient.of(network, batch, null, 1);
    if (BatchGradient.isZero(batch)) {
      dSteps.assign(0);
    }
    if (hasSum) {
      sum.addi(gradient);
    } else {
      sum.assign(gradient);
      hasSum = true;
    }
    return loss;
  }

  private void arrived(INDArray epsilon) {
    view(dSteps).assign(epsilon.permute(2, 0, 1));
  }

  /** ∂L/∂(outputs of a chunk), of the last {@link #learn}. */
  Pointer gradient(TimeChunk chunk) {
    return at(dSteps, chunk);
  }

  /** The mean loss over the series that was written, without dropout and a way back. */
  double score(Examples examples) {
    return network.score(
        new DataSet(series(steps), examples.labels(), examples.mask(T), examples.labelsMask()),
        false);
  }

  /** Writes the sum of the step's gradients; zeros if there were no examples. */
  void takeGradients(INDArray target) {
    if (!hasSum) {
      target.assign(0);
    } else if (rowNumbers == 0) {
      target.assign(sum);
    } else {
      if (rowsFrom > 0) {
        below(target, rowsFrom).assign(below(sum, rowsFrom));
      }
      above(target, rowsFrom).assign(above(sum, rowsFrom + rowNumbers));
    }
  }

  /** Chunks of the next micro-batch, of another size, come between those of the last one back. */
  private Pointer at(INDArray array, TimeChunk chunk) {
    return new FloatPointer(array.data().addressPointer())
        .getPointer((long) chunk.firstStep() * chunk.examples() * inputs);
  }

  /** (B, N, T). */
  private INDArray series(INDArray array) {
    return view(array).permute(1, 2, 0);
  }

  /** (T, B, N). */
  private INDArray view(INDArray array) {
    return Nd4j.create(
        array.data(), new long[] {T, B, inputs}, new long[] {(long) B * inputs, inputs, 1}, 0, 'c');
  }

  private static INDArray renewed(INDArray old, long length) {
    if (old != null) {
      old.close();
    }
    return Nd4j.createUninitialized(DataType.FLOAT, length);
  }

  /** Native memory of its arrays over time and of its layers' kernels, in bytes. */
  long nativeBytes() {
    long numbers = (steps == null ? 0 : steps.length()) + (dSteps == null ? 0 : dSteps.length());
    return numbers * Float.BYTES + KernelMemory.bytes(network);
  }

  @Override
  public void close() {
    KernelMemory.free(network);
    if (steps != null) {
      steps.close();
      steps = null;
    }
    if (dSteps != null) {
      dSteps.close();
      dSteps = null;
    }
  }
}
