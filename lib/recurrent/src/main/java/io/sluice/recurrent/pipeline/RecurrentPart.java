package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.head.HeadKernel;
import io.sluice.recurrent.head.LayerNormalization;
import io.sluice.recurrent.kernel.NativeBuffer;
import io.sluice.recurrent.layer.CarriedStates;
import io.sluice.recurrent.layer.ChunkedRecurrent;
import io.sluice.recurrent.layer.TimeChunk;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.optim.FlatGradient;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A recurrent layer with what normalises its outputs. */
final class RecurrentPart implements AutoCloseable {
  private final ChunkedRecurrent layer;
  private final LayerNormalization norm;
  private final MultiLayerNetwork network;
  private final FlatGradient gradient;
  private final long offset;
  private final List<HeadKernel> normKernels = new ArrayList<>();
  private final List<NativeBuffer> hidden = new ArrayList<>();
  private final List<NativeBuffer> normalized = new ArrayList<>();
  private final NativeBuffer dHidden = new NativeBuffer();
  private final FloatPointer dNorm;
  private final float[] dNormSum;

  /**
   * @param norm null is none
   * @param network of the stage, whose parameters it takes
   * @param gradient of the stage, which it adds to
   * @param offset of its parameters in the stage's
   * @param seed of the whole network, as {@link Networks} gives it to the layers
   */
  RecurrentPart(
      Layer recurrent,
      LayerNormalization norm,
      MultiLayerNetwork network,
      FlatGradient gradient,
      long offset,
      long seed) {
    this.layer = new ChunkedRecurrent(recurrent, seed);
    this.norm = norm;
    this.network = network;
    this.gradient = gradient;
    this.offset = offset;
    int numbers = norm == null ? 0 : 2 * layer.outputs();
    this.dNorm = new FloatPointer(numbers);
    this.dNormSum = new float[numbers];
  }

  /** I. */
  int inputs() {
    return layer.inputs();
  }

  /** Numbers out per time step. */
  int outputs() {
    return layer.outputs();
  }

  /** Numbers of its parameters. */
  long parameters() {
    return layer.parameterCount() + dNormSum.length;
  }

  private FloatPointer at(INDArray flat, long further) {
    return new FloatPointer(flat.data().addressPointer()).getPointer(offset + further);
  }

  private Pointer normParameters() {
    return at(network.params(), layer.parameterCount());
  }

  /** See {@link StageNetwork#carry}. */
  void carry(CarriedStates states, int block) {
    layer.carry(states, block);
  }

  void takeParameters() {
    layer.setParameters(at(network.params(), 0));
  }

  void beginGradient() {
    layer.sumGradientsAt(at(gradient.whole(), 0));
  }

  Pointer forward(int tape, TimeChunk chunk, Pointer x, Pointer destination) {
    Pointer y = norm == null && destination != null ? destination : room(hidden, tape, chunk);
    layer.forward(tape, chunk, x, y);
    return norm == null ? y : normalize(tape, chunk, y, destination);
  }

  Pointer infer(int tape, TimeChunk chunk, Pointer x, Pointer destination) {
    Pointer y = norm == null && destination != null ? destination : room(hidden, tape, chunk);
    layer.infer(chunk, x, y);
    return norm == null ? y : normalize(tape, chunk, y, destination);
  }

  private Pointer normalize(int tape, TimeChunk chunk, Pointer y, Pointer destination) {
    Pointer z = destination != null ? destination : room(normalized, tape, chunk);
    while (normKernels.size() <= tape) {
      normKernels.add(norm.floatKernel());
    }
    normKernels.get(tape).forward(chunk.steps(), chunk.examples(), null, normParameters(), y, z);
    return z;
  }

  void backward(int tape, TimeChunk chunk, Pointer dOut, Pointer dx) {
    Pointer dy = dOut;
    if (norm != null) {
      dy = dHidden.atLeast((long) chunk.rows() * layer.outputs() * Float.BYTES);
      normKernels
          .get(tape)
          .backward(normParameters(), hidden.get(tape).atLeast(0), dOut, dy, dNorm);
      var added = new float[dNormSum.length];
      dNorm.get(added);
      for (int k = 0; k < added.length; k++) {
        dNormSum[k] += added[k];
      }
    }
    layer.backward(tape, chunk, dy, dx);
  }

  long takeGradient() {
    layer.takeGradients(at(gradient.whole(), 0));
    if (norm != null) {
      at(gradient.whole(), layer.parameterCount()).put(dNormSum);
      Arrays.fill(dNormSum, 0);
    }
    return offset;
  }

  private Pointer room(List<NativeBuffer> buffers, int tape, TimeChunk chunk) {
    while (buffers.size() <= tape) {
      buffers.add(new NativeBuffer());
    }
    return buffers.get(tape).atLeast((long) chunk.rows() * layer.outputs() * Float.BYTES);
  }

  long nativeBytes() {
    long bytes = layer.nativeBytes() + dHidden.bytes();
    for (NativeBuffer each : hidden) {
      bytes += each.bytes();
    }
    for (NativeBuffer each : normalized) {
      bytes += each.bytes();
    }
    for (HeadKernel each : normKernels) {
      bytes += each.nativeBytes();
    }
    return bytes;
  }

  @Override
  public void close() {
    layer.close();
    normKernels.forEach(HeadKernel::close);
    hidden.forEach(NativeBuffer::close);
    normalized.forEach(NativeBuffer::close);
    dHidden.close();
    dNorm.deallocate();
  }
}
