package io.sluice.benchmarks.recurrent;

import java.util.Map;

/** One side of the comparison of language models, in the process that is its own. */
interface LanguageModelContestant extends AutoCloseable {
  /**
   * Builds the network with the model's parameters.
   *
   * @return how it is done, where there is a choice worth telling; may be empty
   */
  String open(LanguageModel model);

  /** (T·B) −ln p of each word of the first batch by the present parameters, nothing dropped. */
  float[] losses();

  /**
   * Gradients of the first batch's mean loss by the parameters it was opened with, nothing dropped;
   * row-major, by the names of {@link LanguageModel#parameters()}.
   */
  Map<String, float[]> gradients();

  /** Takes training steps, each on the next batch. */
  void train(int steps);

  @Override
  void close();
}
