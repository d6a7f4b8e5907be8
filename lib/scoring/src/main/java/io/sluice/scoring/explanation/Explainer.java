package io.sluice.scoring.explanation;

import io.sluice.recurrent.kernel.Device;
import io.sluice.scoring.bundle.DocumentPredictor;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.encoding.TextContract;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Weighs the tokens of documents with a bundle's network: by attention, where it has additive
 * attention, and by occlusion. Serves one thread.
 *
 * <p>Occlusion of token t of document d whose class is y:
 *
 * <pre>{@code
 * occlusion[t] = p(y | d) − p(y | d, token t replaced by the unknown token)
 * }</pre>
 *
 * <p>The unknown token and not a shorter document: positions stay, and the model has learned what
 * an unknown word is. One forward pass a token, so T passes over T steps; where that would be more
 * than {@value #MOST_STEPS} steps, above 1,024 tokens, consecutive tokens are taken away together.
 *
 * <p><b>Source.</b> Occlusion: Zeiler and Fergus, "Visualizing and understanding convolutional
 * networks", ECCV 2014; of words: Li, Monroe and Jurafsky, "Understanding neural networks through
 * representation erasure", 2016.
 */
public final class Explainer implements AutoCloseable {
  /** Time steps that a document's occlusion may compute. */
  private static final int MOST_STEPS = 1 << 20;

  /** Copies of a document that are predicted together; long ones in several passes. */
  private static final int BATCH_SIZE = 64;

  private final DocumentPredictor predictor;
  private final boolean attends;
  private final int padId;
  private final int unknownId;

  /**
   * @throws io.sluice.failure.InvalidInputException if it is no model of documents
   */
  public Explainer(ModelBundle bundle, Device device) {
    TextContract contract = bundle.textContract();
    this.predictor = bundle.newDocumentPredictor().on(device);
    this.attends = bundle.hasAttentionWeights();
    this.padId = contract.padId();
    this.unknownId = contract.unknownId();
  }

  /**
   * Weighs the tokens of a document.
   *
   * @param ids (T), at least one
   * @param y the class that is explained
   */
  public Explanation explain(int[] ids, int y) {
    TextBatch whole = TextBatch.of(padId, List.of(ids));
    if (!attends) {
      return explanation(ids, y, predictor.probabilities(whole), null);
    }
    DocumentPredictor.Attended attended = predictor.attended(whole);
    return explanation(ids, y, attended.probabilities(), attended.weights());
  }

  private Explanation explanation(int[] ids, int y, float[] probabilities, float[] attention) {
    int T = ids.length;
    int window = Math.toIntExact(((long) T * T + MOST_STEPS - 1) / MOST_STEPS);
    var occlusion = new float[T];
    double others = others(probabilities, 0, probabilities.length, y);
    for (int from = 0; from < T; from += BATCH_SIZE * window) {
      var copies = new ArrayList<int[]>();
      for (int t = from; t < T && copies.size() < BATCH_SIZE; t += window) {
        int[] occluded = ids.clone();
        Arrays.fill(occluded, t, Math.min(T, t + window), unknownId);
        copies.add(occluded);
      }
      float[] without = predictor.probabilities(TextBatch.of(padId, copies));
      for (int b = 0; b < copies.size(); b++) {
        int t = from + b * window;
        double fall = others(without, b * probabilities.length, probabilities.length, y) - others;
        Arrays.fill(occlusion, t, Math.min(T, t + window), (float) fall);
      }
    }
    return new Explanation(probabilities[y], attention, occlusion, window);
  }

  /** 1 − p(y), with the digits that p(y) near 1 has no room for. */
  private static double others(float[] probabilities, int offset, int V, int y) {
    double sum = 0;
    for (int v = 0; v < V; v++) {
      sum += v == y ? 0 : probabilities[offset + v];
    }
    return sum;
  }

  /** Frees native memory. */
  @Override
  public void close() {
    predictor.close();
  }
}
