package io.sluice.recurrent.cuda;

import static org.bytedeco.cuda.global.cudnn.*;

import io.sluice.recurrent.kernel.Cell;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.bytedeco.cuda.cudnn.cudnnDropoutStruct;
import org.bytedeco.cuda.cudnn.cudnnRNNStruct;
import org.bytedeco.cuda.cudnn.cudnnTensorStruct;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * A stack as cuDNN knows it, and where cuDNN wants each of its parameters.
 *
 * <p><b>Gate order.</b> LSTM i f g o, GRU r z n: cuDNN's is ours. cuDNN has a bias on the input and
 * one on the recurrent side; of the second a GRU's n alone is used, the others are zero, and both
 * have the same gradient.
 */
final class RnnDescriptor implements AutoCloseable {
  /** {@code length} elements from {@code from} in our block to {@code to} in cuDNN's. */
  record Move(long from, long to, long length) {}

  private final StackShape shape;
  private final CudaPrecision precision;
  private final RnnAlgorithm algorithm;
  private final cudnnRNNStruct descriptor = new cudnnRNNStruct();
  private final cudnnDropoutStruct noDropout = new cudnnDropoutStruct();
  private final long weightBytes;
  private boolean closed;

  RnnDescriptor(
      CudaContext context, StackShape shape, CudaPrecision precision, RnnAlgorithm algorithm) {
    this.shape = shape;
    this.precision = precision;
    this.algorithm = algorithm;
    check(cudnnCreateDropoutDescriptor(noDropout), "cudnnCreateDropoutDescriptor");
    check(
        cudnnSetDropoutDescriptor(noDropout, context.cudnn(), 0, null, 0, 0),
        "cudnnSetDropoutDescriptor");
    check(cudnnCreateRNNDescriptor(descriptor), "cudnnCreateRNNDescriptor");
    check(
        cudnnSetRNNDescriptor_v8(
            descriptor,
            algorithm.number(),
            mode(shape.cell()),
            CUDNN_RNN_DOUBLE_BIAS,
            shape.bidirectional() ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL,
            CUDNN_LINEAR_INPUT,
            precision.dataType(),
            CUDNN_DATA_FLOAT,
            precision.mathType(),
            shape.inputSize(),
            shape.hiddenSize(),
            shape.hiddenSize(),
            shape.layers(),
            noDropout,
            CUDNN_RNN_PADDED_IO_ENABLED),
        "cudnnSetRNNDescriptor_v8");
    try (var bytes = new SizeTPointer(1)) {
      check(
          cudnnGetRNNWeightSpaceSize(context.cudnn(), descriptor, bytes),
          "cudnnGetRNNWeightSpaceSize");
      weightBytes = bytes.get();
    }
  }

  static IllegalArgumentException unsupported(Cell cell) {
    return new IllegalArgumentException(
        "cuDNN has no %s: train it on the CPU, where the fused kernel has it (device = cpu)"
            .formatted(cell.label()));
  }

  private static int mode(Cell cell) {
    return switch (cell) {
      case LSTM -> CUDNN_LSTM;
      case GRU -> CUDNN_GRU;
      case RNN -> CUDNN_RNN_TANH;
      case PEEPHOLE_LSTM, LAYERNORM_LSTM -> throw unsupported(cell);
    };
  }

  cudnnRNNStruct pointer() {
    return descriptor;
  }

  RnnAlgorithm algorithm() {
    return algorithm;
  }

  /** Of all parameters in cuDNN's order, with the biases that are zero. */
  long weightBytes() {
    return weightBytes;
  }

  long weightCount() {
    return weightBytes / precision.elementBytes();
  }

  /**
   * Where parameters lie.
   *
   * @param weights memory of {@link #weightBytes}; not read
   */
  List<Move> moves(CudaContext context, Pointer weights) {
    var moves = new ArrayList<Move>();
    int H = shape.hiddenSize();
    int G = shape.cell().gates();
    int number = 0;
    try (var matrix = new cudnnTensorStruct();
        var bias = new cudnnTensorStruct();
        var matrixAt = new PointerPointer<Pointer>(1);
        var biasAt = new PointerPointer<Pointer>(1)) {
      check(cudnnCreateTensorDescriptor(matrix), "cudnnCreateTensorDescriptor");
      check(cudnnCreateTensorDescriptor(bias), "cudnnCreateTensorDescriptor");
      for (StackShape.Part part : shape.parts()) {
        for (int gate = 0; gate < 2 * G; gate++) {
          boolean recurrent = gate >= G;
          check(
              cudnnGetRNNWeightParams(
                  context.cudnn(),
                  descriptor,
                  number,
                  weightBytes,
                  weights,
                  gate,
                  matrix,
                  matrixAt,
                  bias,
                  biasAt),
              "cudnnGetRNNWeightParams");
          int row = (recurrent ? gate - G : gate) * H;
          var block = part.shape().parameter(recurrent ? "RW" : "W");
          moves.add(
              new Move(
                  part.offset() + block.offset() + (long) row * block.columns(),
                  element(matrixAt, weights),
                  (long) H * block.columns()));
          boolean lastOfGru = shape.cell() == Cell.GRU && gate == 2 * G - 1;
          if (!recurrent || lastOfGru) {
            moves.add(
                new Move(
                    part.offset()
                        + part.shape().parameter("b").offset()
                        + (lastOfGru ? (long) G * H : row),
                    element(biasAt, weights),
                    H));
          }
        }
        number++;
      }
      check(cudnnDestroyTensorDescriptor(matrix), "cudnnDestroyTensorDescriptor");
      check(cudnnDestroyTensorDescriptor(bias), "cudnnDestroyTensorDescriptor");
    }
    return merged(moves);
  }

  private long element(PointerPointer<Pointer> at, Pointer weights) {
    return (at.get(0).address() - weights.address()) / precision.elementBytes();
  }

  /** Those that follow each other on both sides are one. */
  static List<Move> merged(List<Move> moves) {
    var sorted = new ArrayList<>(moves);
    sorted.sort(Comparator.comparingLong(Move::from));
    var merged = new ArrayList<Move>();
    for (Move move : sorted) {
      Move last = merged.isEmpty() ? null : merged.get(merged.size() - 1);
      if (last != null
          && last.from + last.length == move.from
          && last.to + last.length == move.to) {
        merged.set(merged.size() - 1, new Move(last.from, last.to, last.length + move.length));
      } else {
        merged.add(move);
      }
    }
    return List.copyOf(merged);
  }

  private void check(int status, String call) {
    Cuda.checkCudnn(status, call, this);
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check(cudnnDestroyRNNDescriptor(descriptor), "cudnnDestroyRNNDescriptor");
      check(cudnnDestroyDropoutDescriptor(noDropout), "cudnnDestroyDropoutDescriptor");
    }
  }

  @Override
  public String toString() {
    return "%s, %s, %s".formatted(shape, precision.label(), algorithm);
  }
}
