package io.sluice.recurrent.embedding;

import io.sluice.recurrent.dropout.WordDropout;
import io.sluice.recurrent.layer.TimeChunk;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * An {@link Embedding} over time chunks, each kept on a tape of its own, in float32. What comes out
 * is what the layer gives to the whole series: nothing of it passes from a step to the next.
 *
 * <p><b>Shapes.</b> ids (T, B) whole numbers as float32; y (T, B, E), zeros after a sequence's end,
 * whatever the id.
 */
public final class ChunkedEmbedding implements AutoCloseable {
  private final Embedding conf;
  private final EmbeddingKernel kernel;
  private final WordIds reader = new WordIds();

  /** Null drops nothing. */
  private final WordDropout dropout;

  private final List<Tape> tapes = new ArrayList<>();

  /** Null where each batch is learned from once. */
  private final Perturbation perturbation;

  private boolean isMoved;

  /** What the way back needs of a chunk, (T·B) each. */
  private static final class Tape {
    private int[] ids = new int[0];
    private float[] factors = new float[0];

    void makeRoom(int rows) {
      if (ids.length < rows) {
        ids = new int[rows];
        factors = new float[rows];
      }
    }
  }

  /**
   * @param layer an {@link Embedding}
   */
  public ChunkedEmbedding(Layer layer) {
    this.conf = (Embedding) layer;
    this.kernel = conf.kernel(DataType.FLOAT);
    this.dropout =
        conf.getWordDropout() > 0
            ? new WordDropout(conf.getLayerName(), 1 - conf.getWordDropout())
            : null;
    this.perturbation =
        conf.getAdversarialEpsilon() > 0 ? new Perturbation(conf.getAdversarialEpsilon()) : null;
  }

  /** E, numbers out per time step. */
  public int outputs() {
    return conf.numbers();
  }

  /** V·E. */
  public long parameterCount() {
    return (long) conf.words() * conf.numbers();
  }

  /** Whether its rows have no gradient. */
  public boolean isFrozen() {
    return conf.isFrozen();
  }

  /**
   * Before a pass of a step over a batch, see {@link AdversarialInput}; the chunks of both passes
   * are the same.
   *
   * @param moved whether rows are moved in it, to where the pass before left
   * @param examples B of the batch, whose micro-batches follow
   * @param timeSteps T of its series
   */
  public void beginPass(boolean moved, int examples, int timeSteps) {
    isMoved = moved;
    if (perturbation != null && !moved) {
      perturbation.begin(DataType.FLOAT, examples, timeSteps, outputs());
    }
  }

  /**
   * Forward, keeping on {@code tape} what {@link #backward} needs.
   *
   * @param rows (V, E) parameters
   */
  public void forward(int tape, TimeChunk chunk, Pointer ids, Pointer rows, Pointer y) {
    Tape kept = read(tape, chunk, ids);
    if (dropout != null) {
      dropout.draw(kept.ids, chunk.rows(), chunk.examples(), kept.factors);
    }
    kernel.rows(kept.ids, chunk.rows(), dropout == null ? null : kept.factors, rows, y);
    if (perturbation == null) {
      return;
    }
    if (isMoved) {
      perturbation.addTo(chunk, steps(chunk, y));
    } else {
      perturbation.measure(chunk, steps(chunk, y), kept.ids);
    }
  }

  /** (T, B, E) over memory. */
  private INDArray steps(TimeChunk chunk, Pointer numbers) {
    long n = (long) chunk.rows() * outputs();
    var floats = new FloatPointer(numbers).capacity(n);
    return Nd4j.create(
        Nd4j.createBuffer(floats, n, DataType.FLOAT), chunk.steps(), chunk.examples(), outputs());
  }

  /**
   * Forward without a way back and without dropout.
   *
   * @param tape whose memory it may use
   */
  public void infer(int tape, TimeChunk chunk, Pointer ids, Pointer rows, Pointer y) {
    kernel.rows(read(tape, chunk, ids).ids, chunk.rows(), null, rows, y);
  }

  private Tape read(int tape, TimeChunk chunk, Pointer ids) {
    while (tapes.size() <= tape) {
      tapes.add(new Tape());
    }
    Tape kept = tapes.get(tape);
    kept.makeRoom(chunk.rows());
    reader.read(conf.getLayerName(), conf.words(), ids, chunk, kept.ids);
    return kept;
  }

  /**
   * Adds to the gradient of the rows.
   *
   * @param dy (T, B, E) in: ∂L/∂y
   * @param dRows (V, E)
   * @param touched takes the rows that were added to
   */
  public void backward(int tape, TimeChunk chunk, Pointer dy, Pointer dRows, TouchedRows touched) {
    Tape kept = tapes.get(tape);
    kernel.addGradient(
        kept.ids, chunk.rows(), dropout == null ? null : kept.factors, dy, dRows, touched);
  }

  /**
   * Says where the next pass is moved to, if it is; without it, and where dy is zero, nothing is.
   *
   * @param dy (T, B, E) in: ∂L/∂y of a chunk; copied
   */
  public void aim(TimeChunk chunk, Pointer dy) {
    if (perturbation != null && !isMoved) {
      perturbation.aim(chunk, steps(chunk, dy));
    }
  }

  /** Native memory that it holds, in bytes. */
  public long nativeBytes() {
    return perturbation == null ? 0 : perturbation.nativeBytes();
  }

  @Override
  public void close() {
    if (perturbation != null) {
      perturbation.free();
    }
  }
}
