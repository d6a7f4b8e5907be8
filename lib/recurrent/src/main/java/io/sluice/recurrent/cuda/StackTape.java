package io.sluice.recurrent.cuda;

import static org.bytedeco.cuda.global.cudnn.*;

import java.util.Arrays;
import org.bytedeco.cuda.cudnn.cudnnRNNDataStruct;
import org.bytedeco.cuda.cudnn.cudnnTensorStruct;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.SizeTPointer;

/** What one pass keeps on the device for its way back, with its sizes as cuDNN knows them. */
final class StackTape implements AutoCloseable {
  /** What cuDNN writes where a sequence has no step; zero in every precision. */
  private static final FloatPointer PADDING = new FloatPointer(0f);

  final DeviceBuffer x = new DeviceBuffer();
  final DeviceBuffer y = new DeviceBuffer();
  final DeviceBuffer h = new DeviceBuffer();
  final DeviceBuffer c = new DeviceBuffer();
  final DeviceBuffer reserve = new DeviceBuffer();
  final cudnnRNNDataStruct xDescriptor = new cudnnRNNDataStruct();
  final cudnnRNNDataStruct yDescriptor = new cudnnRNNDataStruct();
  final cudnnTensorStruct stateDescriptor = new cudnnTensorStruct();
  final Replay forward;
  final Replay backward;

  int T;
  int B;
  boolean hasInitial;
  boolean hasForward;
  long workspaceBytes;
  long reserveBytes;

  /** Whether all sequences have T steps. */
  boolean isFull;

  /** How it was walked forward, and so must be walked back. */
  RnnDescriptor descriptor;

  private int[] lengths = {};
  private boolean training;
  private boolean closed;

  StackTape(CudaContext context) {
    forward = new Replay(context.stream());
    backward = new Replay(context.stream());
    check(cudnnCreateRNNDataDescriptor(xDescriptor), "cudnnCreateRNNDataDescriptor");
    check(cudnnCreateRNNDataDescriptor(yDescriptor), "cudnnCreateRNNDataDescriptor");
    check(cudnnCreateTensorDescriptor(stateDescriptor), "cudnnCreateTensorDescriptor");
  }

  /**
   * Makes room for a pass.
   *
   * @param lengths of each sequence, 1 to T
   */
  void take(
      CudaContext context,
      RnnDescriptor descriptor,
      StackShape shape,
      CudaPrecision precision,
      int T,
      int B,
      int[] lengths,
      boolean training) {
    hasForward = false;
    boolean same =
        descriptor == this.descriptor
            && T == this.T
            && B == this.B
            && training == this.training
            && Arrays.equals(lengths, this.lengths);
    if (!same) {
      this.lengths = new int[0]; // should one of the calls fail
      this.descriptor = descriptor;
      this.T = T;
      this.B = B;
      this.training = training;
      this.isFull = Arrays.stream(lengths).allMatch(length -> length == T);
      set(xDescriptor, precision, shape.inputSize(), lengths);
      set(yDescriptor, precision, shape.outputSize(), lengths);
      int states = shape.layers() * shape.directions();
      int H = shape.hiddenSize();
      check(
          cudnnSetTensorNdDescriptor(
              stateDescriptor,
              precision.dataType(),
              3,
              new int[] {states, B, H},
              new int[] {B * H, H, 1}),
          "cudnnSetTensorNdDescriptor");
      setTempSpace(context);
      long elementBytes = precision.elementBytes();
      long steps = (long) T * B * elementBytes;
      long state = (long) states * B * H * elementBytes;
      x.atLeast(steps * shape.inputSize(), "the input");
      y.atLeast(steps * shape.outputSize(), "the output");
      h.atLeast(state, "the initial state");
      if (shape.cell().hasCellState()) {
        c.atLeast(state, "the initial cell state");
      }
      this.lengths = lengths.clone();
    }
    if (training) {
      reserve.atLeast(reserveBytes, "what backward needs of %d steps".formatted(T));
    }
  }

  /** Bytes of work space, and of what backward needs, of a pass in training. */
  long[] temporaryBytes(
      CudaContext context,
      RnnDescriptor descriptor,
      StackShape shape,
      CudaPrecision precision,
      int T,
      int B,
      int[] lengths) {
    this.descriptor = descriptor;
    this.T = T;
    this.B = B;
    this.training = true;
    set(xDescriptor, precision, shape.inputSize(), lengths);
    setTempSpace(context);
    return new long[] {workspaceBytes, reserveBytes};
  }

  private void set(cudnnRNNDataStruct data, CudaPrecision precision, int width, int[] lengths) {
    check(
        cudnnSetRNNDataDescriptor(
            data,
            precision.dataType(),
            CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED,
            T,
            B,
            width,
            lengths,
            PADDING),
        "cudnnSetRNNDataDescriptor");
  }

  private void setTempSpace(CudaContext context) {
    try (var work = new SizeTPointer(1);
        var kept = new SizeTPointer(1)) {
      check(
          cudnnGetRNNTempSpaceSizes(
              context.cudnn(), descriptor.pointer(), mode(), xDescriptor, work, kept),
          "cudnnGetRNNTempSpaceSizes");
      workspaceBytes = work.get();
      reserveBytes = training ? kept.get() : 0;
    }
  }

  int mode() {
    return training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE;
  }

  Pointer initialH() {
    return hasInitial ? h.pointer() : null;
  }

  Pointer initialC() {
    return hasInitial ? c.pointer() : null;
  }

  private void check(int status, String call) {
    Cuda.checkCudnn(status, call, this);
  }

  long deviceBytes() {
    return x.bytes() + y.bytes() + h.bytes() + c.bytes() + reserve.bytes();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      forward.close();
      backward.close();
      x.close();
      y.close();
      h.close();
      c.close();
      reserve.close();
      check(cudnnDestroyRNNDataDescriptor(xDescriptor), "cudnnDestroyRNNDataDescriptor");
      check(cudnnDestroyRNNDataDescriptor(yDescriptor), "cudnnDestroyRNNDataDescriptor");
      check(cudnnDestroyTensorDescriptor(stateDescriptor), "cudnnDestroyTensorDescriptor");
    }
  }

  @Override
  public String toString() {
    return "%s, T=%d, B=%d".formatted(descriptor, T, B);
  }
}
