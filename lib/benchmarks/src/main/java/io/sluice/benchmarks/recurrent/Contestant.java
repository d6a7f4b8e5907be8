package io.sluice.benchmarks.recurrent;

import java.util.Map;

/** One side of the comparison, in the process that is its own. */
interface Contestant extends AutoCloseable {

  /** Why a contestant cannot do a workload; it sits out. */
  final class CannotDo extends Exception {
    private static final long serialVersionUID = 1L;

    CannotDo(String reason) {
      super(reason);
    }
  }

  /**
   * Builds the network of a workload with its parameters and keeps its batch; forgets an earlier
   * one.
   *
   * @return how it is done, where there is a choice worth telling; may be empty
   */
  String open(Workload workload) throws CannotDo;

  /** Class probabilities (B, {@link Workload#CLASSES}), row-major, from the present parameters. */
  float[] probabilities();

  /**
   * Gradients of the batch's mean loss by the present parameters, which stay as they are;
   * row-major, by the names of {@link Workload#parameters()}.
   */
  Map<String, float[]> gradients();

  /** Takes training steps on the batch. */
  void train(int steps);

  /** Predicts the batch, again and again, with nothing kept for a gradient. */
  void infer(int calls);

  /** Multiplies two f32 matrices of n·n. */
  void multiply(int n);

  @Override
  void close();
}
