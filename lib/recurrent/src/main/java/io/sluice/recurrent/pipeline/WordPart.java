package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.embedding.ChunkedEmbedding;
import io.sluice.recurrent.kernel.NativeBuffer;
import io.sluice.recurrent.layer.TimeChunk;
import io.sluice.recurrent.optim.FlatGradient;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The embedding below the lowest recurrent layer: turns ids (T, B) of a chunk into the rows (T, B,
 * E) that this layer takes, which stay until the chunk's way back.
 *
 * <p>Its parameters and their gradient are the first of the stage's.
 */
final class WordPart implements AutoCloseable {
  private final ChunkedEmbedding embedding;
  private final FlatGradient gradient;

  /** By tape. */
  private final List<NativeBuffer> outputs = new ArrayList<>();

  private boolean learns;

  /**
   * @param embedding the layer
   * @param gradient of the stage, which knows the rows that are touched
   */
  WordPart(Layer embedding, FlatGradient gradient) {
    this.embedding = new ChunkedEmbedding(embedding);
    this.gradient = gradient;
  }

  /** Numbers that come first in the stage's parameters. */
  long parameters() {
    return embedding.parameterCount();
  }

  /**
   * Before a step: no row has a gradient.
   *
   * @param learns whether the rows learn in it
   */
  void begin(boolean learns) {
    this.learns = learns;
    gradient.zeroRows();
    if (gradient.rows() == null) {
      rowGradients().assign(0);
    }
  }

  /** See {@link ChunkedEmbedding#beginPass}. */
  void beginPass(boolean moved, int examples, int timeSteps) {
    embedding.beginPass(moved, examples, timeSteps);
  }

  /** The gradient of the rows, (V·E). */
  private INDArray rowGradients() {
    return gradient.whole().get(NDArrayIndex.interval(0, parameters()));
  }

  /**
   * Adds what a head that is tied to the rows gives them.
   *
   * @param others (V·E)
   */
  void addToGradient(INDArray others) {
    rowGradients().addi(others);
  }

  /** Whether the recurrent layer need not give a gradient of its input. */
  boolean isFrozen() {
    return embedding.isFrozen();
  }

  Pointer forward(int tape, TimeChunk chunk, Pointer ids, INDArray parameters) {
    Pointer y = room(tape, chunk);
    embedding.forward(tape, chunk, ids, memory(parameters), y);
    return y;
  }

  Pointer infer(int tape, TimeChunk chunk, Pointer ids, INDArray parameters) {
    Pointer y = room(tape, chunk);
    embedding.infer(tape, chunk, ids, memory(parameters), y);
    return y;
  }

  /**
   * @param dy (T, B, E); null if frozen
   */
  void backward(int tape, TimeChunk chunk, Pointer dy) {
    if (learns) {
      embedding.aim(chunk, dy);
    }
    if (!embedding.isFrozen()) {
      embedding.backward(tape, chunk, dy, memory(gradient.whole()), gradient.touched());
    }
  }

  private Pointer room(int tape, TimeChunk chunk) {
    while (outputs.size() <= tape) {
      outputs.add(new NativeBuffer());
    }
    return outputs.get(tape).atLeast((long) chunk.rows() * embedding.outputs() * Float.BYTES);
  }

  private static Pointer memory(INDArray flat) {
    return new FloatPointer(flat.data().addressPointer());
  }

  long nativeBytes() {
    return outputs.stream().mapToLong(NativeBuffer::bytes).sum() + embedding.nativeBytes();
  }

  @Override
  public void close() {
    outputs.forEach(NativeBuffer::close);
    embedding.close();
  }
}
