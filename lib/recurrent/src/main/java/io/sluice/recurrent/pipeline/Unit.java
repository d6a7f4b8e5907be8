package io.sluice.recurrent.pipeline;

/**
 * What a pipeline stage computes at a time: its layers over one time chunk of one micro-batch, in
 * one direction.
 *
 * @param isForward whether it is the forward pass
 * @param microBatch from 0
 * @param chunk from 0, in the order of time
 * @param tape where the stage keeps what the way back needs
 */
public record Unit(boolean isForward, int microBatch, int chunk, int tape) {

  /** As a person reads it in a message. */
  @Override
  public String toString() {
    return "%s of micro-batch %d, time chunk %d"
        .formatted(isForward ? "activations" : "gradients", microBatch, chunk);
  }
}
