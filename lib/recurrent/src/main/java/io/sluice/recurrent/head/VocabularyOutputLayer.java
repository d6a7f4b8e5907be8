package io.sluice.recurrent.head;

import io.sluice.recurrent.kernel.HoldsNativeMemory;
import java.util.Arrays;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.BaseOutputLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs a {@link VocabularyOutput} on its kernel.
 *
 * <p>DL4J asks an output layer for its gradient and then for its loss; the first pass gives both,
 * and the loss is kept until it is asked for or the input, labels or mask are others.
 */
final class VocabularyOutputLayer extends BaseOutputLayer<VocabularyOutput>
    implements HoldsNativeMemory {
  private static final long serialVersionUID = 1L;

  private final transient Series inputs = new Series();
  private transient VocabularyKernel kernel;
  private transient double[] factors;
  private transient INDArray noisy;

  /** Of the last pass with labels: (T·B) class of each row, and its −ln p. */
  private transient int[] ids;

  private transient double[] nll;
  private transient int sequences;

  /** Whether they are those of the input, labels and mask as they are. */
  private transient boolean fresh;

  VocabularyOutputLayer(NeuralNetConfiguration conf, DataType dataType) {
    super(conf, dataType);
  }

  @Override
  public void setInput(INDArray input, LayerWorkspaceMgr workspaces) {
    fresh = false;
    super.setInput(input, workspaces);
  }

  @Override
  public void setLabels(INDArray labels) {
    fresh &= labels == this.labels;
    super.setLabels(labels);
  }

  @Override
  public void setMaskArray(INDArray mask) {
    fresh &= mask == maskArray;
    super.setMaskArray(mask);
  }

  @Override
  public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
    ClassIds shape = shape();
    applyDropOutIfNecessary(training, workspaces);
    INDArray x = inputs.rows(input, dataType);
    long[] sizes = x.shape().clone();
    sizes[sizes.length - 1] = shape.V();
    INDArray p = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, sizes, 'c');
    kernel()
        .probabilities(
            Math.max(1, shape.T()) * shape.B(),
            shape.mask(maskArray),
            parameters(training, workspaces),
            Series.memory(x),
            Series.memory(p));
    return outer(p);
  }

  @Override
  public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
    readLabels();
    applyDropOutIfNecessary(true, workspaces);
    double[] weights =
        Arrays.stream(ids).mapToDouble(v -> v < 0 ? 0 : factors[v] * ofStep()).toArray();
    INDArray x = inputs.rows(input, dataType);
    INDArray dx =
        workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, x.shape(), 'c');
    kernel()
        .gradients(
            ids,
            weights,
            parameters(true, workspaces),
            Series.memory(x),
            nll,
            Series.memory(dx),
            memory(gradientsFlattened));
    fresh = true;
    var gradient = new DefaultGradient(gradientsFlattened);
    gradientViews.forEach(gradient::setGradientFor);
    return Pair.of(gradient, backpropDropOutIfPresent(outer(dx)));
  }

  @Override
  public double computeScore(
      double regularization, boolean training, LayerWorkspaceMgr workspaces) {
    readLosses(training, workspaces);
    double sum = 0;
    for (int row = 0; row < nll.length; row++) {
      sum += loss(row);
    }
    score = sum / (conf().isMiniBatch() ? sequences : 1) + regularization;
    return score;
  }

  /** (B, 1): the sum over a sequence's steps. */
  @Override
  public INDArray computeScoreForExamples(double regularization, LayerWorkspaceMgr workspaces) {
    readLosses(false, workspaces);
    double[] sums = new double[sequences];
    Arrays.fill(sums, regularization);
    for (int row = 0; row < nll.length; row++) {
      sums[row % sequences] += loss(row);
    }
    INDArray scores = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, sequences, 1);
    for (int b = 0; b < sequences; b++) {
      scores.putScalar(b, 0, sums[b]);
    }
    return scores;
  }

  private double loss(int row) {
    return ids[row] < 0 ? 0 : factors[ids[row]] * ofStep() * nll[row];
  }

  /** What a time step counts in the loss of its sequence. */
  private double ofStep() {
    return layerConf().isMeanOverTime() ? (double) sequences / ids.length : 1;
  }

  /** Losses of the labels: those of the gradient where that was just computed. */
  private void readLosses(boolean training, LayerWorkspaceMgr workspaces) {
    boolean known = fresh && training;
    fresh = false;
    if (known) {
      return;
    }
    readLabels();
    applyDropOutIfNecessary(training, workspaces);
    kernel()
        .losses(
            ids,
            parameters(training, workspaces),
            Series.memory(inputs.rows(input, dataType)),
            nll);
  }

  private void readLabels() {
    ClassIds shape = shape();
    if (labels == null) {
      throw new IllegalStateException("Layer %s has no labels".formatted(name()));
    }
    sequences = shape.B();
    ids = shape.read(labels, shape.mask(maskArray));
    nll = new double[ids.length];
    if (factors == null) {
      factors = layerConf().factors();
    }
  }

  INDArray negativeLogLikelihoods() {
    if (nll == null) {
      throw new IllegalStateException(
          "Layer %s has had no labels yet: train on a batch or score one first".formatted(name()));
    }
    double[][] values = new double[sequences][nll.length / sequences];
    for (int row = 0; row < nll.length; row++) {
      values[row % sequences][row / sequences] = nll[row];
    }
    return Series.detached(values);
  }

  @Override
  public void computeGradientAndScore(LayerWorkspaceMgr workspaces) {
    if (input != null && labels != null) {
      gradient = backpropGradient(null, workspaces).getFirst();
      computeScore(0, true, workspaces);
    }
  }

  /** Of the input, which is checked. */
  private ClassIds shape() {
    assertInputSet(false);
    int H = layerConf().inputs();
    if (input.rank() != 3 && input.rank() != 2 || input.size(1) != H) {
      throw new IllegalArgumentException(
          "Input of layer %s has shape %s, expected (B, H, T) or (B, H) with H = %d"
              .formatted(name(), Arrays.toString(input.shape()), H));
    }
    int T = input.rank() == 3 ? Math.toIntExact(input.size(2)) : 0;
    return new ClassIds(name(), layerConf().classes(), T, Math.toIntExact(input.size(0)));
  }

  /** DL4J's view of a kernel's rows. */
  private static INDArray outer(INDArray rows) {
    return rows.rank() == 3 ? Series.view(rows) : rows;
  }

  private VocabularyKernel kernel() {
    if (kernel == null) {
      if (dataType != DataType.FLOAT && dataType != DataType.DOUBLE) {
        throw new IllegalArgumentException(
            "Layer %s has data type %s, must be FLOAT or DOUBLE".formatted(name(), dataType));
      }
      kernel = layerConf().kernel(dataType);
    }
    return kernel;
  }

  @Override
  public long nativeBytes() {
    return kernel == null ? 0 : kernel.nativeBytes();
  }

  /** Frees native memory; the next pass takes it again. */
  @Override
  public void close() {
    if (kernel != null) {
      kernel.close();
      kernel = null;
    }
  }

  /** The flat parameters, or with weight noise (DropConnect) a noisy copy. */
  private VocabularyMemory parameters(boolean training, LayerWorkspaceMgr workspaces) {
    if (layerConf().getWeightNoise() == null) {
      return memory(paramsFlattened);
    }
    if (noisy == null) {
      try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
        noisy = Nd4j.createUninitialized(dataType, paramsFlattened.length());
      }
    }
    Map<String, INDArray> views = layerConf().initializer().getGradientsFromFlattened(conf, noisy);
    views.forEach((key, view) -> view.assign(getParamWithNoise(key, training, workspaces)));
    return memory(noisy);
  }

  /**
   * @param own the layer's part of the network's parameters, or of their gradient
   */
  private VocabularyMemory memory(INDArray own) {
    VocabularyOutput conf = layerConf();
    Pointer memory = Series.memory(own);
    int width = dataType.width();
    if (conf.isAdaptive()) {
      return new VocabularyMemory(memory, null);
    }
    if (conf.getTiedBehind() == 0) {
      long weights = (long) conf.classes() * conf.inputs();
      return VocabularyMemory.together(memory, weights, conf.hasBias(), width);
    }
    if (own.offset() != conf.getTiedBehind()) {
      throw new IllegalStateException(
          "Layer %s is tied to the embedding that its network begins with, %d parameters before its own, but there are %d: it cannot be a part of another network"
              .formatted(name(), conf.getTiedBehind(), own.offset()));
    }
    return new VocabularyMemory(VocabularyMemory.at(memory, -conf.getTiedBehind(), width), memory);
  }

  private String name() {
    String name = layerConf().getLayerName();
    return name == null ? Integer.toString(index) : name;
  }

  /** With time, {@code rnnTimeStep} of one step (B, H) gives (B, V). */
  @Override
  public Type type() {
    return input != null && input.rank() == 2 ? Type.FEED_FORWARD : Type.RECURRENT;
  }

  @Override
  public int numLabels() {
    return layerConf().classes();
  }

  /** The mask of the input counts no labels, as in DL4J's own output layers. */
  @Override
  public Pair<INDArray, MaskState> feedForwardMaskArray(
      INDArray mask, MaskState state, int batchSize) {
    return null;
  }

  @Override
  protected INDArray getLabels2d(LayerWorkspaceMgr workspaces, ArrayType type) {
    throw new UnsupportedOperationException(
        "Layer %s has class ids, no matrix of labels".formatted(name()));
  }

  @Override
  public String toString() {
    return "%s %s".formatted(layerConf(), Arrays.toString(paramsFlattened.shape()));
  }
}
