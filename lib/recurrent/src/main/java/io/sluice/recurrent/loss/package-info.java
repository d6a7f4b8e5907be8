/**
 * Losses that DL4J does not have.
 *
 * <p>Main type: {@link io.sluice.recurrent.loss.PinballLoss}. Depends on ND4J. A loss is part of
 * the model's JSON, so its class name and property names are a file format.
 */
package io.sluice.recurrent.loss;
