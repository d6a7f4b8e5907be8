package io.sluice.recurrent.layer;

import io.sluice.recurrent.pass.TrainingPass;
import java.util.Arrays;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.AbstractLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runs {@link LastStep}: copies of rows, in time-major memory. */
final class LastStepLayer extends AbstractLayer<LastStep> {
  private static final long serialVersionUID = 1L;

  private static final int NONE = -1;

  private final transient TimeMajor inputs = new TimeMajor();

  // (B): the first and last unmasked step of each row, and T, B, H of the last pass
  private transient int[] first;
  private transient int[] last;
  private transient int T;
  private transient int B;
  private transient int H;

  LastStepLayer(NeuralNetConfiguration conf, DataType dataType) {
    super(conf, dataType);
  }

  @Override
  public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
    assertInputSet(false);
    if (input.rank() != 3) {
      throw new IllegalArgumentException(
          "Input of layer %s has shape %s, expected (B, H, T)"
              .formatted(layerConf().getLayerName(), Arrays.toString(input.shape())));
    }
    B = Math.toIntExact(input.size(0));
    H = Math.toIntExact(input.size(1));
    T = Math.toIntExact(input.size(2));
    findEnds();
    INDArray ends = workspaces.create(ArrayType.ACTIVATIONS, dataType, new long[] {B, H}, 'c');
    copyEnds(inputs.of(input.castTo(dataType)), TimeMajor.memory(ends), true);
    return ends;
  }

  @Override
  public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
    TrainingPass.backwardBegins(index);
    INDArray steps =
        workspaces.create(ArrayType.ACTIVATION_GRAD, dataType, new long[] {T, B, H}, 'c');
    INDArray ends = epsilon.castTo(dataType).dup('c');
    copyEnds(TimeMajor.memory(steps), TimeMajor.memory(ends), false);
    return Pair.of(new DefaultGradient(), TimeMajor.series(steps));
  }

  /** Between (T, B, H) and (B, H). */
  private void copyEnds(Pointer steps, Pointer ends, boolean toEnds) {
    boolean both = layerConf().isBothDirections();
    long row = (long) H * dataType.width();
    long forward = both ? row / 2 : row;
    for (int b = 0; b < B; b++) {
      if (last[b] != NONE) {
        copy(steps, ((long) last[b] * B + b) * row, ends, b * row, forward, toEnds);
      }
      if (both && first[b] != NONE) {
        copy(
            steps,
            ((long) first[b] * B + b) * row + forward,
            ends,
            b * row + forward,
            row - forward,
            toEnds);
      }
    }
  }

  private static void copy(
      Pointer steps, long stepsAt, Pointer ends, long endsAt, long bytes, boolean toEnds) {
    Pointer step = new BytePointer(steps).getPointer(stepsAt);
    Pointer end = new BytePointer(ends).getPointer(endsAt);
    Pointer.memcpy(toEnds ? end : step, toEnds ? step : end, bytes);
  }

  private void findEnds() {
    first = new int[B];
    last = new int[B];
    if (maskArray == null) {
      Arrays.fill(last, T - 1);
      return;
    }
    if (maskArray.rank() != 2 || maskArray.size(0) != B || maskArray.size(1) != T) {
      throw new IllegalArgumentException(
          "Mask of layer %s has shape %s, expected (B, T) = (%d, %d)"
              .formatted(layerConf().getLayerName(), Arrays.toString(maskArray.shape()), B, T));
    }
    float[] mask = maskArray.castTo(DataType.FLOAT).dup('c').data().asFloat();
    Arrays.fill(first, NONE);
    Arrays.fill(last, NONE);
    for (int b = 0; b < B; b++) {
      for (int t = 0; t < T; t++) {
        if (mask[b * T + t] != 0) {
          first[b] = first[b] == NONE ? t : first[b];
          last[b] = t;
        }
      }
    }
  }

  @Override
  public boolean isPretrainLayer() {
    return false;
  }

  @Override
  public void clearNoiseWeightParams() {
    // has none
  }

  /** The mask ends here: what comes out has no time. */
  @Override
  public Pair<INDArray, MaskState> feedForwardMaskArray(
      INDArray mask, MaskState state, int batchSize) {
    setMaskArray(mask);
    return Pair.of(null, state);
  }
}
