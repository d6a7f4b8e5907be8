package io.sluice.scoring.bundle;

import io.sluice.recurrent.head.AdditiveAttention;
import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.layer.KernelMemory;
import io.sluice.recurrent.layer.StackedPass;
import io.sluice.recurrent.memory.TrainingMemory;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.encoding.TextContract;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Classifies documents with a bundle's network. Serves one thread. */
public final class DocumentPredictor implements AutoCloseable {
  /** Of a pass, at most. Two tasks of a process with 2 GiB have half of it left. */
  private static final long PASS_BYTES = 512L << 20;

  private final MultiLayerNetwork network;
  private final ModelSpec spec;

  /** Tokens of a forward pass, padding included. */
  private final int tokensAtOnce;

  private final DocumentArrays arrays;
  private Device device = Device.CPU;

  /**
   * @param network its own; a network serves one predictor
   * @throws io.sluice.failure.InvalidInputException if it does not fit the documents
   */
  DocumentPredictor(MultiLayerNetwork network, ModelSpec spec, TextContract contract) {
    this(network, spec, contract, tokensAtOnce(spec));
  }

  /** With passes of so many tokens. */
  DocumentPredictor(
      MultiLayerNetwork network, ModelSpec spec, TextContract contract, int tokensAtOnce) {
    this.network = network;
    this.spec = spec;
    this.tokensAtOnce = tokensAtOnce;
    this.arrays = new DocumentArrays(contract, spec);
  }

  /** As many as fit, in a wide network fewer. */
  static int tokensAtOnce(ModelSpec spec) {
    return (int) Math.min(TextDataset.TOKENS_AT_ONCE, PASS_BYTES / TrainingMemory.perStep(spec));
  }

  /** Computes on a device; before the first batch. */
  public DocumentPredictor on(Device other) {
    device = other;
    return this;
  }

  /**
   * Class probabilities of documents, and what they were attended to by.
   *
   * @param probabilities (B, V), row-major
   * @param weights (B, T), row-major: those of a document's tokens sum to 1, beyond its end they
   *     are 0
   */
  public record Attended(float[] probabilities, float[] weights) {}

  /**
   * Class probabilities (B, V) of a batch's documents, row-major; their labels play no part.
   *
   * <p>In several forward passes where the batch has more than {@value TextDataset#TOKENS_AT_ONCE}
   * tokens, or, of a wide network, than its memory holds.
   *
   * @param batch at least one document
   */
  public float[] probabilities(TextBatch batch) {
    return predict(batch, null);
  }

  /**
   * @param weights (B, T), to which those of attention are written; null for none
   */
  private float[] predict(TextBatch batch, float[] weights) {
    int T = batch.timeSteps();
    int V = spec.head().outputs();
    int atOnce = Math.max(1, tokensAtOnce / Math.max(1, T));
    var all = new float[batch.size() * V];
    for (int from = 0; from < batch.size(); from += atOnce) {
      int to = Math.min(batch.size(), from + atOnce);
      TextBatch some = to - from == batch.size() ? batch : batch.part(from, to);
      float[] probabilities = pass(some);
      System.arraycopy(probabilities, 0, all, from * V, probabilities.length);
      if (weights != null) {
        float[] attention = rowMajor(AdditiveAttention.weights(network.getLayer("attention")));
        int steps = some.timeSteps(); // of the part's longest
        for (int b = 0; b < some.size(); b++) {
          System.arraycopy(attention, b * steps, weights, (from + b) * T, steps);
        }
      }
    }
    return all;
  }

  private float[] pass(TextBatch batch) {
    INDArray output;
    try (Device.Bound bound = device.bind();
        StackedPass stacked = StackedPass.begin(network)) {
      output =
          network.output(arrays.features(batch), false, arrays.steps(batch).orElse(null), null);
    }
    return rowMajor(output);
  }

  /**
   * The same, and the weights of the model's additive attention.
   *
   * @param batch at least one document
   * @throws IllegalStateException unless {@link ModelBundle#hasAttentionWeights}
   */
  public Attended attended(TextBatch batch) {
    if (!attends(spec)) {
      throw new IllegalStateException(
          "the model has attention of kind %s, weights are of additive attention"
              .formatted(spec.attention().kind()));
    }
    var weights = new float[batch.size() * batch.timeSteps()];
    return new Attended(predict(batch, weights), weights);
  }

  static boolean attends(ModelSpec spec) {
    return spec.attention().kind() == Attention.Kind.ADDITIVE;
  }

  private static float[] rowMajor(INDArray array) {
    return array.dup('c').data().asFloat();
  }

  /** Frees native memory; a further batch takes it again. */
  @Override
  public void close() {
    KernelMemory.free(network);
  }
}
