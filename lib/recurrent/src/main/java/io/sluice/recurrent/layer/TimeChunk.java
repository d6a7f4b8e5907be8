package io.sluice.recurrent.layer;

/**
 * Consecutive time steps of the series of a batch.
 *
 * @param firstStep time steps of the series before it
 * @param steps T, of the chunk
 * @param timeSteps of a series, those after its end among them
 * @param examples B
 * @param firstExample examples before these of the batch that they are a part of
 * @param lengths (B) real time steps of each series, its first ones; null where all are
 */
public record TimeChunk(
    int firstStep, int steps, int timeSteps, int examples, int firstExample, int[] lengths) {

  /** Whether the series begins with it. */
  public boolean isFirst() {
    return firstStep == 0;
  }

  /** Whether the series ends with it. */
  public boolean isLast() {
    return firstStep + steps == timeSteps;
  }

  /** T·B. */
  public int rows() {
    return steps * examples;
  }

  /** Real time steps that a series has in it. */
  public int realSteps(int example) {
    return lengths == null ? steps : Math.max(0, Math.min(steps, lengths[example] - firstStep));
  }
}
