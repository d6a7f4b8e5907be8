package io.sluice.benchmarks.recurrent;

import io.sluice.benchmarks.recurrent.Workload.Parameter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/**
 * A language model that every contestant is given: an embedding of V words, a stack of LSTMs of as
 * many units, a softmax over all words at every time step; parameters and streams of words, the
 * same in every process.
 *
 * <p>A training step is forward with dropout of half of what each layer and the softmax read,
 * cross-entropy as a mean over B·T words, backward, clipping of the gradient to norm {@link
 * #MAX_GRADIENT_NORM}, stochastic gradient descent at {@link #LEARNING_RATE}. Batches are
 * consecutive pieces of B streams: the state of one is where the next begins.
 *
 * <p>Words occur as Zipf's law says, a word of rank w as often as 1/w.
 *
 * @param words V
 * @param hiddenSize H, of embedding and each layer
 */
record LanguageModel(
    int batch, int timeSteps, int words, int hiddenSize, int layers, Precision precision) {
  static final double DROPOUT = 0.5;
  static final double LEARNING_RATE = 1;
  static final double MAX_GRADIENT_NORM = 5;

  /** Batches of the streams; then they begin again. */
  static final int BATCHES = 16;

  private static final long SEED = 5;

  /** Zaremba et al. 2014, medium: parameters begin uniform in ±0.05. */
  private static final float BOUND = 0.05f;

  /** The medium model of the Penn Treebank, of Zaremba, Sutskever and Vinyals 2014. */
  static LanguageModel medium(Precision precision) {
    return new LanguageModel(20, 35, 10_000, 650, 2, precision);
  }

  static LanguageModel parse(String sizes, String precision) {
    String[] each = sizes.split("x");
    return new LanguageModel(
        Integer.parseInt(each[0]),
        Integer.parseInt(each[1]),
        Integer.parseInt(each[2]),
        Integer.parseInt(each[3]),
        Integer.parseInt(each[4]),
        Precision.of(precision));
  }

  /** B, T, V, H and layers. */
  String sizes() {
    return "%dx%dx%dx%dx%d".formatted(batch, timeSteps, words, hiddenSize, layers);
  }

  /** Words of a step. */
  int tokens() {
    return batch * timeSteps;
  }

  /** {@code embedding} (V, H); {@code weight_ih_l0} (4H, H) and so on; {@code fc.weight} (V, H). */
  Map<String, Parameter> parameters() {
    var random = new Random(SEED);
    var parameters = new LinkedHashMap<String, Parameter>();
    parameters.put("embedding", Parameter.uniform(random, BOUND, words, hiddenSize));
    for (int l = 0; l < layers; l++) {
      parameters.put(
          "weight_ih_l" + l, Parameter.uniform(random, BOUND, 4 * hiddenSize, hiddenSize));
      parameters.put(
          "weight_hh_l" + l, Parameter.uniform(random, BOUND, 4 * hiddenSize, hiddenSize));
      parameters.put("bias_ih_l" + l, Parameter.uniform(random, BOUND, 4 * hiddenSize));
      parameters.put("bias_hh_l" + l, Parameter.uniform(random, BOUND, 4 * hiddenSize));
    }
    parameters.put("fc.weight", Parameter.uniform(random, BOUND, words, hiddenSize));
    parameters.put("fc.bias", Parameter.uniform(random, BOUND, words));
    return parameters;
  }

  /** (BATCHES + 1, T·B): words of each batch, row t·B + b; batch k + 1 follows k in each stream. */
  long[][] streams() {
    var random = new Random(SEED + 1);
    var streams = new long[BATCHES + 1][tokens()];
    for (long[] piece : streams) {
      for (int i = 0; i < piece.length; i++) {
        piece[i] = Math.min(words - 1, (long) Math.pow(words, random.nextDouble()) - 1);
      }
    }
    return streams;
  }

  /** (T·B) the word after each of a batch. */
  long[] labels(long[][] streams, int k) {
    var labels = new long[tokens()];
    System.arraycopy(streams[k], batch, labels, 0, tokens() - batch);
    System.arraycopy(streams[k + 1], 0, labels, tokens() - batch, batch);
    return labels;
  }

  /**
   * Floating-point operations of a training step's products: two for each weight and word, once
   * forward and twice backward.
   */
  double flops() {
    double H = hiddenSize;
    return 3.0 * 2 * tokens() * (layers * 4 * H * 2 * H + H * words);
  }
}
