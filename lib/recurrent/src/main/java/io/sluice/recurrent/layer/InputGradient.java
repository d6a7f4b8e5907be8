package io.sluice.recurrent.layer;

/**
 * A layer that can leave out the gradient of its input: below the first layer of a network nobody
 * reads it, and it is a product as large as the input side of the forward pass.
 */
public interface InputGradient {
  /**
   * @param wanted whether backward passes that follow give the gradient of the input; if not they
   *     give null, as DL4J's embedding layers do
   */
  void inputGradient(boolean wanted);
}
